namespace KvmBackup.Model.Domains;

/// <summary>A disk to back up, with its layers.</summary>
/// <param name="Disk">The disk.</param>
/// <param name="Layers">Its backing chain of files, the active layer first; empty for an RBD image.</param>
public sealed record BackupDisk(DiskFacts Disk, IReadOnlyList<ImageLayer> Layers)
{
    /// <summary>The RBD image behind it; null for files and block devices.</summary>
    public BackupImage? Image { get; init; }

    /// <summary>Kind of the disk's backup. Files and block devices are always full.</summary>
    public BackupKind Kind => Image?.Kind ?? BackupKind.Full;

    /// <summary>A file that the running guest does not use: only the definition for the next start has the
    /// disk.</summary>
    public bool IsIdle => Image is null && Disk.Presence == DiskPresence.NextStartOnly;

    /// <summary>Size that the guest sees.</summary>
    public long VirtualSizeBytes => Image?.Facts.SizeBytes ?? Layers[0].VirtualSizeBytes;

    /// <summary>
    /// The name of a layer below the domain's folder of the archive: <c>vda.qcow2</c>, <c>vda.backing1.qcow2</c>; for
    /// an RBD
    /// image <c>vda.raw</c>, or <c>vda.rbddiff</c> for its changes.
    /// </summary>
    public string MemberName(int depth) =>
        Image is not null ? ManifestImage.MemberName(Disk.Target, Image.Base is null)
        : depth == 0 ? $"{Disk.Target}.{Layers[0].Format}" : $"{Disk.Target}.backing{depth}.{Layers[depth].Format}";
}

/// <summary>One file of a disk's backing chain.</summary>
/// <param name="FilePath">The file or block device.</param>
/// <param name="Format">qcow2, raw and so on.</param>
/// <param name="VirtualSizeBytes">Size that the guest sees.</param>
/// <param name="IsBlockDevice">The layer is a block device.</param>
public sealed record ImageLayer(string FilePath, string Format, long VirtualSizeBytes, bool IsBlockDevice)
{
    /// <summary>QEMU requires a passphrase to read the layer.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>A vmdk whose data are compressed: QEMU cannot write to them a second time.</summary>
    public bool IsStreamOptimized { get; init; }
}
