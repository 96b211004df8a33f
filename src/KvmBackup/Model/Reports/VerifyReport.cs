namespace KvmBackup.Model.Reports;

/// <summary>What is told about verified backups.</summary>
/// <param name="Results">One for each backup.</param>
/// <param name="Unusable">Directories among the backups that are none, as <c>web1/NAME: reason</c>.</param>
/// <param name="HasDamagedEntry">One of those was a backup once.</param>
public sealed record VerifyReport(
    IReadOnlyList<VerifyResult> Results, IReadOnlyList<string> Unusable, bool HasDamagedEntry)
{
    /// <summary>How much was read of each.</summary>
    public VerifyDepth Depth { get; init; } = VerifyDepth.Content;

    /// <summary>Some of <see cref="Unusable"/> are whole folders that could not be looked into.</summary>
    public bool IsIncomplete { get; init; }

    public ExitCode ExitCode => HasDamagedEntry || Results.Any(result => result.Damages.Count > 0)
        ? ExitCode.DamageFound : Results.Count == 0 || IsIncomplete ? ExitCode.Failed : ExitCode.Done;
}

/// <summary>What verifying found in one backup.</summary>
public sealed record VerifyResult(CompletedBackup Backup, TimeSpan Elapsed, IReadOnlyList<ArchiveDamage> Damages);
