namespace KvmBackup.Model;

/// <summary>What is to become of one of our snapshots in a cluster.</summary>
/// <param name="Disk">The disk whose image it is of.</param>
/// <param name="Image">The image.</param>
/// <param name="Snapshot">The snapshot.</param>
/// <param name="Fate">What.</param>
/// <param name="Reason">Why.</param>
public sealed record SnapshotVerdict(DiskTarget Disk, RbdImage Image, RbdSnapshot Snapshot, SnapshotFate Fate, string Reason);
