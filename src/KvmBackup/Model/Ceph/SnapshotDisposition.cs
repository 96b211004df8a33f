namespace KvmBackup.Model.Ceph;

/// <summary>What may be done with a snapshot.</summary>
public enum SnapshotDisposition
{
    /// <summary>Something needs it.</summary>
    Kept,

    /// <summary>Nothing needs it any more.</summary>
    Removable,

    /// <summary>It looks like one of ours, but no backup knows it: nobody but an operator removes it.</summary>
    Unknown,
}

/// <summary>What is to become of one of our snapshots in a cluster.</summary>
/// <param name="Disk">The disk whose image it is of.</param>
/// <param name="Image">The image.</param>
/// <param name="Snapshot">The snapshot.</param>
/// <param name="Disposition">What.</param>
/// <param name="Reason">Why.</param>
public sealed record SnapshotVerdict(DiskTarget Disk, RbdImage Image, RbdSnapshot Snapshot, SnapshotDisposition Disposition, string Reason);
