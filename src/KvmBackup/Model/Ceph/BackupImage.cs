namespace KvmBackup.Model.Ceph;

/// <summary>The RBD image behind a disk that is backed up.</summary>
/// <param name="Source">The image as named by the domain's XML.</param>
/// <param name="Location">The image and the access to its cluster.</param>
/// <param name="Facts">The image as described by the cluster.</param>
/// <param name="SnapshotName">The snapshot to read.</param>
/// <param name="Base">The base of an increment; null for a full backup.</param>
public sealed record BackupImage(
    RbdSource Source, RbdLocation Location, RbdImageFacts Facts, string SnapshotName, ChainBase? Base)
{
    /// <summary>ID of a snapshot made by another program: it is read and never removed. Null for our own.</summary>
    public long? ExternalId { get; init; }

    /// <summary>Estimate of the bytes to read, in whole objects; 0 when unknown.</summary>
    public long DataBytes { get; init; }

    public BackupKind Kind => Base?.Kind ?? BackupKind.Full;
}
