namespace KvmBackup.Model;

/// <summary>A disk that is backed up, and all that its content stands on.</summary>
/// <param name="Disk">The disk.</param>
/// <param name="Layers">Its backing chain of files, the guest's own layer first; empty for an RBD image.</param>
public sealed record TakenDisk(DiskFacts Disk, IReadOnlyList<ImageLayer> Layers)
{
    /// <summary>The RBD image behind it; null for files and block devices.</summary>
    public TakenImage? Image { get; init; }

    /// <summary>Files and block devices are always taken whole.</summary>
    public BackupKind Kind => Image?.Kind ?? BackupKind.Full;

    /// <summary>A file that the running guest does not use: only the definition for the next start has the disk.</summary>
    public bool IsIdle => Image is null && Disk.Presence == DiskPresence.NextStartOnly;

    /// <summary>What the guest sees.</summary>
    public long VirtualSizeBytes => Image?.Facts.SizeBytes ?? Layers[0].VirtualSizeBytes;

    /// <summary>The name of a layer below the domain's folder of the archive: <c>vda.qcow2</c>,
    /// <c>vda.backing1.qcow2</c>; of an image, <c>vda.raw</c>, or <c>vda.rbddiff</c> for its changes.</summary>
    public string MemberName(int depth) =>
        Image is not null ? ManifestImage.MemberName(Disk.Target, Image.Base is null)
        : depth == 0 ? $"{Disk.Target}.{Layers[0].Format}" : $"{Disk.Target}.backing{depth}.{Layers[depth].Format}";
}
