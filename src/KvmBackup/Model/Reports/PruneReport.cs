namespace KvmBackup.Model.Reports;

/// <summary>The report of a retention run.</summary>
/// <param name="Verdicts">One for each backup.</param>
/// <param name="Notes">Skipped entries, with reasons.</param>
/// <param name="Failures">Failed actions.</param>
/// <param name="IsDryRun">Nothing was removed.</param>
public sealed record PruneReport(
    IReadOnlyList<RetentionVerdict> Verdicts,
    IReadOnlyList<string> Notes,
    IReadOnlyList<string> Failures,
    bool IsDryRun)
{
    /// <summary>The increments that were merged with their bases into full backups.</summary>
    public IReadOnlyList<CompletedBackup> Merged { get; init; } = [];

    /// <summary>Damage that names and sizes of files show, as <c>web1/TEXT</c>.</summary>
    public IReadOnlyList<string> Damages { get; init; } = [];

    /// <summary>Number of failures caused by another run on the same backups.</summary>
    public int LockedCount { get; init; }

    public ExitCode ExitCode => Failures.Count > LockedCount ? ExitCode.Failed
        : Damages.Count > 0 ? ExitCode.DamageFound
        : LockedCount > 0 ? ExitCode.AlreadyRunning : ExitCode.Done;
}
