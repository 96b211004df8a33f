namespace KvmBackup.Planning;

/// <summary>Decides which of our snapshots a cluster must keep. Snapshots of other programs are ignored.</summary>
public static class SnapshotPlanner
{
    /// <param name="domain">UUID of the domain.</param>
    /// <param name="target">The disk.</param>
    /// <param name="image">Its image.</param>
    /// <param name="policy">What the next backup may depend on; null is nothing.</param>
    /// <param name="keep">Number of snapshots to keep for a quick rollback, the newest included.</param>
    /// <param name="snapshots">The image's snapshots, in any order.</param>
    /// <param name="own">The guest's complete backups, the newest first.</param>
    /// <param name="staying">Those of them that retention keeps: a snapshot must be removed before its backup, or no
    /// backup would
    /// refer to it.</param>
    /// <returns>One for each of our snapshots, the newest first.</returns>
    public static IReadOnlyList<SnapshotVerdict> Decide(
        Guid domain, DiskTarget target, RbdImage image, ChainPolicy? policy, int keep,
        IReadOnlyList<RbdSnapshot> snapshots,
        IReadOnlyList<CompletedBackup> own, IReadOnlyList<CompletedBackup> staying)
    {
        HashSet<string> known = [.. ImagesOf(own, target)
            .SelectMany(found => new[] { found.Snapshot, found.BaseSnapshot }).OfType<string>()];
        HashSet<string> backed = [.. ImagesOf(staying, target).Select(found => found.Snapshot)];
        string? needed = policy is null || own.Count == 0 ? null : Needed(target, policy, own);
        RbdSnapshot[] named = [.. snapshots.Where(snapshot => SnapshotName.IsOf(snapshot.Name, domain, target))
            .OrderByDescending(snapshot => snapshot.Id)];
        HashSet<string> newest = [.. named.Select(snapshot => snapshot.Name).Where(backed.Contains).Take(keep)];
        return [.. named.Select(snapshot =>
        {
            (SnapshotDisposition disposition, string reason) = snapshot.Name switch
            {
                var name when !known.Contains(name) => (
                    SnapshotDisposition.Unknown,
                    "no backup here refers to it: it is from a run that was killed, or from another backupdir"),
                var name when name == needed => (SnapshotDisposition.Kept, "the next increment depends on it"),
                var name when newest.Contains(name) =>
                    (SnapshotDisposition.Kept, $"for a quick rollback (keep_on_cluster: {keep})"),
                _ => (SnapshotDisposition.Removable, "no longer needed"),
            };
            return new SnapshotVerdict(target, image, snapshot, disposition, reason);
        })];
    }

    private static IEnumerable<ManifestImage> ImagesOf(IReadOnlyList<CompletedBackup> backups, DiskTarget target) =>
        backups.SelectMany(backup => backup.Manifest.Disks).Where(disk => disk.Target == target)
            .Select(disk => disk.Image).OfType<ManifestImage>();

    private static string? Needed(DiskTarget target, ChainPolicy policy, IReadOnlyList<CompletedBackup> own)
    {
        CompletedBackup dependency =
            policy.IsDifferential && ChainPlanner.Find(own[0], target, own) is { } chain ? chain[0] : own[0];
        return dependency.Manifest.Disks.FirstOrDefault(disk => disk.Target == target)?.Image?.Snapshot;
    }
}
