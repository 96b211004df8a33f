namespace KvmBackup.Model;

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
