namespace KvmBackup.Storage;

/// <summary>The contents of a domain's directory.</summary>
/// <param name="DirectoryPath">The directory.</param>
/// <param name="Backups">The complete backups, the newest first.</param>
/// <param name="Unusable">All other entries, by name.</param>
public sealed record BackupCatalogue(
    string DirectoryPath, IReadOnlyList<CompletedBackup> Backups, IReadOnlyList<UnusableEntry> Unusable)
{
    /// <summary>The same with damaged but readable backups among the backups, to locate the damage.</summary>
    internal BackupCatalogue WithDamaged() => new(
        DirectoryPath,
        [.. Backups.Concat(Unusable.Select(entry => entry.DamagedBackup).OfType<CompletedBackup>())
            .OrderByDescending(backup => backup.Id)],
        [.. Unusable.Where(entry => entry.DamagedBackup is null)]);

    /// <summary>The damage that names and sizes show, one text per directory: the finding, and what to do.</summary>
    public IReadOnlyList<string> Damages =>
    [
        .. Unusable.Where(entry => entry.Cause == UnusableCause.Damaged).Select(DescribeDamaged),
        .. Backups.Where(backup => backup.Flaws.Count > 0).Select(backup =>
            $"{Path.GetFileName(backup.DirectoryPath)} is damaged: {string.Join(", ", backup.Flaws)}. It can still be "
            + $"restored; to check the other files: kvmbackup verify {Reference(backup)}"),
    ];

    private static string DescribeDamaged(UnusableEntry entry)
    {
        string advice = entry.DamagedBackup is { } damaged
            ? $". To list the damage: kvmbackup verify {Reference(damaged)}; to restore the rest: kvmbackup restore "
                + $"{Reference(damaged)} --salvage --to DIR; remove its directory when it is no longer "
                + "needed" : string.Empty;
        return $"{entry.Name} is damaged and cannot be restored completely: {entry.Reason.TrimEnd('.')}{advice}";
    }

    private static string Reference(CompletedBackup backup) => ShellWord.Quote($"{backup.Domain}@{backup.Id}");

    /// <summary>Entries newer than a backup that would be backups if they were not damaged or unreadable.</summary>
    public IEnumerable<UnusableEntry> FindNewerFailures(CompletedBackup backup) => Unusable.Where(entry =>
        entry.Cause is not (UnusableCause.Foreign or UnusableCause.Leftover)
        && string.CompareOrdinal(entry.Name, Path.GetFileName(backup.DirectoryPath)) > 0);
}
