namespace KvmBackup.Model.Reports;

/// <summary>What is told about a restore.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="Id">Which backup.</param>
/// <param name="Name">What the domain is called now.</param>
/// <param name="WrittenFiles">The files that were written.</param>
/// <param name="KeptFiles">The files that were there already, identical, and stayed.</param>
/// <param name="IsDefined">The domain is defined.</param>
/// <param name="IsStarted">It was started.</param>
/// <param name="DataBytes">Data written.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="Warnings">What someone should look at.</param>
/// <param name="Commands">What is left to type; in a dry run, what would have been done.</param>
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
    /// <summary>The domain is started with the host.</summary>
    public bool IsAutostarted { get; init; }
}

/// <summary>What could still be had of a damaged backup.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="Id">Which backup.</param>
/// <param name="Files">What was written.</param>
/// <param name="Notes">What could not be written at all, and what is damaged beside the archive.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record SalvageReport(
    DomainName Domain, BackupId Id, IReadOnlyList<SalvagedFile> Files, IReadOnlyList<string> Notes, TimeSpan Elapsed)
{
    public ExitCode ExitCode => Notes.Count > 0 || Files.Any(file => !file.IsWhole) ? ExitCode.DamageFound : ExitCode.Done;
}

/// <summary>One file out of a damaged backup.</summary>
/// <param name="FilePath">Where it was written.</param>
/// <param name="SizeBytes">Its size.</param>
/// <param name="IsWhole">Its content is proven to be that which was read from its source.</param>
/// <param name="Missing">Runs of data that are lost, ascending; zeros stand in their place.</param>
public sealed record SalvagedFile(string FilePath, long SizeBytes, bool IsWhole, IReadOnlyList<Extent> Missing)
{
    /// <summary>Runs that were unpacked from a damaged place, ascending: they may be wrong.</summary>
    public IReadOnlyList<Extent> Unproven { get; init; } = [];
}
