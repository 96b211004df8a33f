namespace KvmBackup.Model.Ceph;

/// <summary>The RBD image behind a disk that is backed up.</summary>
/// <param name="Source">As the domain's XML names it.</param>
/// <param name="Location">As it is reached.</param>
/// <param name="Facts">What the cluster says of it.</param>
/// <param name="SnapshotName">The snapshot that is to hold it at the instant of the backup.</param>
/// <param name="Base">What the backup stands on; null for a full one.</param>
public sealed record BackupImage(
    RbdSource Source, RbdLocation Location, RbdImageFacts Facts, string SnapshotName, ChainBase? Base)
{
    /// <summary>Somebody else made the snapshot, with this ID: it is read and never removed. Null for our own.</summary>
    public long? ExternalId { get; init; }

    /// <summary>About how much of it will be read; 0 when that is not known before.</summary>
    public long DataBytes { get; init; }

    public BackupKind Kind => Base?.Kind ?? BackupKind.Full;
}
