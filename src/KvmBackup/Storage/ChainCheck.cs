namespace KvmBackup.Storage;

/// <summary>Tells the backups that can be restored from those whose base is gone: an increment alone is none.</summary>
public static class ChainCheck
{
    /// <param name="found">What is whole in itself.</param>
    /// <returns>Those that stand on what is there, and the rest with the reason.</returns>
    public static (IReadOnlyList<CompletedBackup> Whole, IReadOnlyList<UnusableEntry> Broken) Part(IReadOnlyList<CompletedBackup> found)
    {
        List<CompletedBackup> whole = [];
        List<UnusableEntry> broken = [];

        // A base is older than what stands on it, by the rules of a manifest.
        foreach (CompletedBackup backup in found.OrderBy(backup => backup.Id))
        {
            if (FindMissing(backup, whole) is { } reason)
            {
                broken.Add(new UnusableEntry(Path.GetFileName(backup.DirectoryPath), reason, UnusableCause.Damaged, backup));
            }
            else
            {
                whole.Add(backup);
            }
        }

        return (whole, broken);
    }

    private static string? FindMissing(CompletedBackup backup, List<CompletedBackup> older) =>
        backup.Manifest.Disks
            .Where(disk => disk.Image is { BaseBackup: not null } image && !older.Any(other =>
                other.Manifest.DomainUuid == backup.Manifest.DomainUuid && other.Id == image.BaseBackup
                && other.Manifest.Disks.Any(below => below.Target == disk.Target && below.Image is { } standing && image.DependsOn(standing))))
            .Select(disk => $"disk {disk.Target} holds only what changed since {disk.Image!.BaseBackup}, which is not here, or not usable")
            .FirstOrDefault();
}
