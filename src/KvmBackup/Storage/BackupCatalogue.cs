using KvmBackup.Model;

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

    /// <summary>Those that would have been the newer backup, were they one.</summary>
    public IEnumerable<UnusableEntry> FailedSince(CompletedBackup backup) => Unusable.Where(entry =>
        entry.Cause is not (UnusableCause.Foreign or UnusableCause.Leftover)
        && string.CompareOrdinal(entry.Name, Path.GetFileName(backup.DirectoryPath)) > 0);
}
