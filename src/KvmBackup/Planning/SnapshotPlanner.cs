using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>Decides which of our snapshots an image's cluster need no longer hold.</summary>
public static class SnapshotPlanner
{
    /// <param name="disk">A disk of the backup that was just published.</param>
    /// <param name="isContinued">The next backup may be an increment.</param>
    /// <param name="snapshots">The snapshots of its image.</param>
    /// <param name="own">The guest's whole backups, this one included.</param>
    /// <param name="proof">The backup.</param>
    /// <returns>What may go, and what looks like ours but is known to no backup: that is not touched.</returns>
    public static (IReadOnlyList<string> Removable, IReadOnlyList<string> Unknown) Decide(
        ManifestDisk disk, bool isContinued, IReadOnlyList<RbdSnapshot> snapshots, IReadOnlyList<CompletedBackup> own,
        CompletedBackup proof)
    {
        string[] named = [.. snapshots.Select(snapshot => snapshot.Name)
            .Where(name => SnapshotName.IsOf(name, proof.Manifest.DomainUuid, disk.Target))];
        HashSet<string> known = [.. own.SelectMany(backup => backup.Manifest.Disks)
            .Where(other => other.Target == disk.Target)
            .SelectMany(other => new[] { other.Image?.Snapshot, other.Image?.BaseSnapshot })
            .OfType<string>()];
        IReadOnlyList<string> needed = isContinued ? Needed(disk, own, proof) : [];
        return ([.. named.Where(name => known.Contains(name) && !needed.Contains(name))],
            [.. named.Where(name => !known.Contains(name))]);
    }

    // The newest, for an increment, and the full one's, for a differential.
    private static IReadOnlyList<string> Needed(ManifestDisk disk, IReadOnlyList<CompletedBackup> own, CompletedBackup proof) =>
        [.. (ChainPlanner.Find(proof, disk.Target, own) ?? [proof])
            .Where((link, index) => index == 0 || link.Id == proof.Id)
            .Select(link => link.Manifest.Disks.First(other => other.Target == disk.Target).Image!.Snapshot)];
}
