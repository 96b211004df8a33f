namespace KvmBackup.Planning;

/// <summary>Finds the backups that the restore of another one requires.</summary>
internal static class BackupChain
{
    /// <summary>The backups that kept ones depend on, each with the newest backup that needs it.</summary>
    /// <param name="newestFirst">The backups of one guest.</param>
    /// <param name="isKept">Whether a backup is kept for a reason of its own.</param>
    public static IEnumerable<(BackupId Link, BackupId Needing)> Links(
        IReadOnlyList<CompletedBackup> newestFirst, Func<BackupId, bool> isKept) =>
        [.. LinksByOrder(newestFirst, isKept), .. LinksByName(newestFirst, isKept)];

    /// <summary>The dependencies that the manifests of the disks name, direct and indirect.</summary>
    private static List<(BackupId Link, BackupId Needing)> LinksByName(
        IReadOnlyList<CompletedBackup> newestFirst, Func<BackupId, bool> isKept)
    {
        List<(BackupId Link, BackupId Needing)> links = [];
        HashSet<BackupId> needed = [];
        foreach (CompletedBackup backup in newestFirst.Where(backup => isKept(backup.Id) || needed.Contains(backup.Id)))
        {
            foreach (BackupId link in backup.Manifest.Disks.Select(disk => disk.Image?.BaseBackup).OfType<BackupId>())
            {
                _ = needed.Add(link);
                links.Add((link, backup.Id));
            }
        }

        return links;
    }

    /// <summary>The dependencies that follow from the kinds of the backups alone.</summary>
    private static IEnumerable<(BackupId Link, BackupId Needing)> LinksByOrder(
        IReadOnlyList<CompletedBackup> newestFirst, Func<BackupId, bool> isKept)
    {
        BackupId? needsAll = null;
        BackupId? needsFull = null;
        foreach (CompletedBackup backup in newestFirst)
        {
            bool isFull = backup.Manifest.Kind == BackupKind.Full;
            if ((needsAll ?? (isFull ? needsFull : null)) is { } needing)
            {
                yield return (backup.Id, needing);
            }

            if (isFull)
            {
                (needsAll, needsFull) = (null, null);
            }
            else if (needsAll is not null || isKept(backup.Id))
            {
                needsFull ??= backup.Id;
                needsAll ??= NeedsPrevious(backup.Manifest) ? backup.Id : null;
            }
        }
    }

    // A differential backup depends on the full one alone, unless one of its disks is incremental.
    private static bool NeedsPrevious(Manifest manifest) =>
        manifest.Kind == BackupKind.Incremental || manifest.Disks.Any(disk => disk.Kind == BackupKind.Incremental);
}
