namespace KvmBackup.Storage;

/// <summary>All that lies in a domain's directory.</summary>
/// <param name="Backups">The whole ones, the newest first.</param>
/// <param name="Unusable">The rest, by name.</param>
public sealed record BackupCatalogue(
    IReadOnlyList<CompletedBackup> Backups, IReadOnlyList<UnusableEntry> Unusable)
{
    /// <summary>With those that are damaged but can be looked into, to find out where.</summary>
    internal BackupCatalogue WithDamaged() => new(
        [.. Backups.Concat(Unusable.Select(entry => entry.Remains).OfType<CompletedBackup>())
            .OrderByDescending(backup => backup.Id)],
        [.. Unusable.Where(entry => entry.Remains is null)]);

    /// <summary>What names and sizes show to be damaged, one text for each directory: what was found, and what to do.</summary>
    public IReadOnlyList<string> Damages =>
    [
        .. Unusable.Where(entry => entry.Cause == UnusableCause.Damaged).Select(entry =>
            $"{entry.Name} is damaged and cannot be restored as a whole: {entry.Reason.TrimEnd('.')}" + (entry.Remains is { } remains
                ? $". To see what is lost: kvmbackup verify {Reference(remains)}; to get the rest: kvmbackup restore {Reference(remains)} "
                    + "--salvage --to DIR; remove its directory when you need nothing of it" : string.Empty)),
        .. Backups.Where(backup => backup.Flaws.Count > 0).Select(backup =>
            $"{Path.GetFileName(backup.DirectoryPath)} is damaged: {string.Join(", ", backup.Flaws)}. It can still be restored; to see "
            + $"whether all else is whole: kvmbackup verify {Reference(backup)}"),
    ];

    private static string Reference(CompletedBackup backup) => ShellWord.Quote($"{backup.Domain}@{backup.Id}");

    /// <summary>Those that would have been the newer backup, were they one.</summary>
    public IEnumerable<UnusableEntry> FailedSince(CompletedBackup backup) => Unusable.Where(entry =>
        entry.Cause is not (UnusableCause.Foreign or UnusableCause.Leftover)
        && string.CompareOrdinal(entry.Name, Path.GetFileName(backup.DirectoryPath)) > 0);
}
