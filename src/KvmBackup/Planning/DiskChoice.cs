using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>Finds the one disk that is meant.</summary>
public static class DiskChoice
{
    /// <param name="manifest">The backup.</param>
    /// <param name="target">The disk that was named; null if none was, which is enough where there is but one.</param>
    /// <exception cref="PlanningException">It is not in the backup, or more than one could be meant.</exception>
    public static ManifestDisk Find(Manifest manifest, DiskTarget? target)
    {
        string held = string.Join(", ", manifest.Disks.Select(disk => disk.Target));
        if (target is null)
        {
            return manifest.Disks.Count == 1 ? manifest.Disks[0] : throw new PlanningException(
                $"{manifest.Domain}@{manifest.Id} holds {manifest.Disks.Count} disks, {held}: say which with --disk.");
        }

        SkippedDisk? skipped = manifest.SkippedDisks.FirstOrDefault(disk => disk.Target == target);
        return manifest.Disks.FirstOrDefault(disk => disk.Target == target) ?? throw new PlanningException(
            $"{manifest.Domain}@{manifest.Id}: disk {target} is not in this backup"
            + (skipped is null ? string.Empty : $" ({skipped.Reason})") + $"; it holds {held}.");
    }
}
