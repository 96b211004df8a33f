namespace KvmBackup.Model;

/// <summary>One disk of a backup.</summary>
/// <param name="Target">Its name.</param>
/// <param name="Kind">What its content stands on.</param>
/// <param name="VirtualSizeBytes">What the guest sees.</param>
/// <param name="Layers">The backing chain, the guest's own layer first; one layer for a disk without a backing
/// file.</param>
public sealed record ManifestDisk(
    DiskTarget Target,
    BackupKind Kind,
    long VirtualSizeBytes,
    IReadOnlyList<ManifestLayer> Layers)
{
    /// <summary>The RBD image that it was; null for files and block devices.</summary>
    public ManifestImage? Image { get; init; }
}
