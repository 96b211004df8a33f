namespace KvmBackup.Model.Reports;

/// <summary>The report of a verification.</summary>
/// <param name="Results">One for each backup.</param>
/// <param name="Unusable">Directories that are not usable backups, as <c>web1/NAME: reason</c>.</param>
/// <param name="HasDamagedEntry">One of those was a backup.</param>
public sealed record VerifyReport(
    IReadOnlyList<VerifyResult> Results, IReadOnlyList<string> Unusable, bool HasDamagedEntry)
{
    /// <summary>How much of each backup was read.</summary>
    public VerifyDepth Depth { get; init; } = VerifyDepth.Content;

    /// <summary>Some of <see cref="Unusable"/> are whole folders that could not be read.</summary>
    public bool IsIncomplete { get; init; }

    public ExitCode ExitCode => HasDamagedEntry || Results.Any(result => result.Damages.Count > 0)
        ? ExitCode.DamageFound : Results.Count == 0 || IsIncomplete ? ExitCode.Failed : ExitCode.Done;
}

/// <summary>The result of the verification of one backup.</summary>
public sealed record VerifyResult(CompletedBackup Backup, TimeSpan Elapsed, IReadOnlyList<ArchiveDamage> Damages);
