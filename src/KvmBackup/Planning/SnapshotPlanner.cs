using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>Decides which of our snapshots an image's cluster need no longer hold.</summary>
public static class SnapshotPlanner
{
    /// <param name="disk">A disk of the backup that was just published.</param>
    /// <param name="policy">What the next backup may stand on; null is nothing.</param>
    /// <param name="snapshots">The snapshots of its image.</param>
    /// <param name="own">The guest's whole backups, this one included.</param>
    /// <param name="proof">The backup.</param>
    /// <returns>What may go, and what looks like ours but is known to no backup: that is not touched.</returns>
    public static (IReadOnlyList<string> Removable, IReadOnlyList<string> Unknown) Decide(
        ManifestDisk disk, ChainPolicy? policy, IReadOnlyList<RbdSnapshot> snapshots, IReadOnlyList<CompletedBackup> own,
        CompletedBackup proof)
    {
        string[] named = [.. snapshots.Select(snapshot => snapshot.Name)
            .Where(name => SnapshotName.IsOf(name, proof.Manifest.DomainUuid, disk.Target))];
        HashSet<string> known = [.. own.SelectMany(backup => backup.Manifest.Disks)
            .Where(other => other.Target == disk.Target)
            .SelectMany(other => new[] { other.Image?.Snapshot, other.Image?.BaseSnapshot })
            .OfType<string>()];
        string? needed = policy is null ? null : Needed(disk, policy, own, proof);
        return ([.. named.Where(name => known.Contains(name) && name != needed)],
            [.. named.Where(name => !known.Contains(name))]);
    }

    private static string? Needed(
        ManifestDisk disk, ChainPolicy policy, IReadOnlyList<CompletedBackup> own, CompletedBackup proof)
    {
        CompletedBackup standsOn = policy.IsDifferential && ChainPlanner.Find(proof, disk.Target, own) is { } chain ? chain[0] : proof;
        return standsOn.Manifest.Disks.First(other => other.Target == disk.Target).Image?.Snapshot;
    }
}
