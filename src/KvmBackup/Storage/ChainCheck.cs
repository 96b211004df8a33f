namespace KvmBackup.Storage;

/// <summary>Separates the backups that can be restored from increments whose base is missing.</summary>
public static class ChainCheck
{
    /// <param name="found">Backups that are complete in themselves.</param>
    /// <returns>Those whose bases exist, and the others with the reason.</returns>
    public static (IReadOnlyList<CompletedBackup> Complete, IReadOnlyList<UnusableEntry> Broken) Split(
        IReadOnlyList<CompletedBackup> found)
    {
        List<CompletedBackup> complete = [];
        List<UnusableEntry> broken = [];

        // The rules for manifests require a base to be older than its increment.
        foreach (CompletedBackup backup in found.OrderBy(backup => backup.Id))
        {
            if (FindMissing(backup, complete) is { } reason)
            {
                broken.Add(
                    new UnusableEntry(Path.GetFileName(backup.DirectoryPath), reason, UnusableCause.Damaged, backup));
            }
            else
            {
                complete.Add(backup);
            }
        }

        return (complete, broken);
    }

    private static string? FindMissing(CompletedBackup backup, List<CompletedBackup> older) =>
        backup.Manifest.Disks
            .Where(disk => disk.Image is { BaseBackup: not null } image
                && !older.Any(other => IsBase(other, backup, disk.Target, image)))
            .Select(disk => $"disk {disk.Target} holds only the changes since {disk.Image!.BaseBackup}, which is "
                + "missing or not usable")
            .FirstOrDefault();

    private static bool IsBase(CompletedBackup other, CompletedBackup backup, DiskTarget target, ManifestImage image) =>
        other.Manifest.DomainUuid == backup.Manifest.DomainUuid && other.Id == image.BaseBackup
        && other.Manifest.Disks.Any(
            disk => disk.Target == target && disk.Image is { } below && image.DependsOn(below));
}
