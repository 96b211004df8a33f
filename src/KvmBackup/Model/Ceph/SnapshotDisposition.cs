namespace KvmBackup.Model.Ceph;

/// <summary>Whether a snapshot may be removed.</summary>
public enum SnapshotDisposition
{
    /// <summary>The snapshot is needed.</summary>
    Kept,

    /// <summary>The snapshot is no longer needed.</summary>
    Removable,

    /// <summary>The name is ours, but no backup refers to the snapshot: only an operator removes it.</summary>
    Unknown,
}

/// <summary>The disposition of one of our snapshots in a cluster.</summary>
/// <param name="Disk">The disk of the image.</param>
/// <param name="Image">The image.</param>
/// <param name="Snapshot">The snapshot.</param>
/// <param name="Disposition">Whether it may be removed.</param>
/// <param name="Reason">Reason for the disposition.</param>
public sealed record SnapshotVerdict(
    DiskTarget Disk, RbdImage Image, RbdSnapshot Snapshot, SnapshotDisposition Disposition, string Reason);
