namespace KvmBackup.Model.Reports;

/// <summary>The report of a restore.</summary>
/// <param name="Domain">The domain or image of the backup.</param>
/// <param name="Id">The backup.</param>
/// <param name="Name">The domain's new name.</param>
/// <param name="WrittenFiles">The written files.</param>
/// <param name="KeptFiles">The existing files that were identical and were kept.</param>
/// <param name="IsDefined">The domain is defined.</param>
/// <param name="IsStarted">The domain was started.</param>
/// <param name="DataBytes">Data written.</param>
/// <param name="Elapsed">Duration.</param>
/// <param name="Warnings">Warnings for the operator.</param>
/// <param name="Commands">The remaining commands; in a dry run, the actions that were skipped.</param>
public sealed record RestoreReport(
    DomainName Domain,
    BackupId Id,
    DomainName Name,
    IReadOnlyList<string> WrittenFiles,
    IReadOnlyList<string> KeptFiles,
    bool IsDefined,
    bool IsStarted,
    long DataBytes,
    TimeSpan Elapsed,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<string> Commands)
{
    /// <summary>The domain starts with the host.</summary>
    public bool IsAutostarted { get; init; }

    /// <summary>The command that starts the domain; null unless it is defined and was not started.</summary>
    public string? StartCommand { get; init; }
}

/// <summary>The report of a salvage from a damaged backup.</summary>
/// <param name="Domain">The domain or image of the backup.</param>
/// <param name="Id">The backup.</param>
/// <param name="Files">The written files.</param>
/// <param name="Notes">Files that could not be written at all, and damage outside the archive.</param>
/// <param name="Elapsed">Duration.</param>
public sealed record SalvageReport(
    DomainName Domain, BackupId Id, IReadOnlyList<SalvagedFile> Files, IReadOnlyList<string> Notes, TimeSpan Elapsed)
{
    public ExitCode ExitCode =>
        Notes.Count > 0 || Files.Any(file => !file.IsIntact) ? ExitCode.DamageFound : ExitCode.Done;
}

/// <summary>One file from a damaged backup.</summary>
/// <param name="FilePath">The written file.</param>
/// <param name="SizeBytes">Its size.</param>
/// <param name="IsIntact">Its checksum proves that the content is complete and as read from the source.</param>
/// <param name="Missing">Lost runs of data, ascending; the file has zeros there.</param>
public sealed record SalvagedFile(string FilePath, long SizeBytes, bool IsIntact, IReadOnlyList<Extent> Missing)
{
    /// <summary>Runs read from a damaged place, ascending: they may be wrong.</summary>
    public IReadOnlyList<Extent> Unproven { get; init; } = [];
}
