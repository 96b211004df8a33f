namespace KvmBackup.Model.Reports;

/// <summary>What retention decided now.</summary>
/// <param name="Verdicts">One for each backup.</param>
/// <param name="Notes">What was left alone and why.</param>
/// <param name="Failures">What could not be done.</param>
/// <param name="IsDryRun">Nothing was removed.</param>
public sealed record PruneReport(
    IReadOnlyList<RetentionVerdict> Verdicts,
    IReadOnlyList<string> Notes,
    IReadOnlyList<string> Failures,
    bool IsDryRun)
{
    /// <summary>The increments that became full backups, out of what they stood on.</summary>
    public IReadOnlyList<CompletedBackup> Merged { get; init; } = [];

    /// <summary>What names and sizes show to be damaged, as <c>web1/TEXT</c>.</summary>
    public IReadOnlyList<string> Damages { get; init; } = [];

    /// <summary>How many failed because another run works on the same backups.</summary>
    public int LockedCount { get; init; }

    public ExitCode ExitCode => Failures.Count > LockedCount ? ExitCode.Failed
        : Damages.Count > 0 ? ExitCode.DamageFound
        : LockedCount > 0 ? ExitCode.AlreadyRunning : ExitCode.Done;
}
