using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>One disk that a restore writes into an RBD image.</summary>
/// <param name="Disk">The disk of the backup.</param>
/// <param name="Image">The image, which is made for it.</param>
/// <param name="MayReplace">The operator named this image: it may go for the new one.</param>
public sealed record RestoreImage(ManifestDisk Disk, RbdImage Image, bool MayReplace)
{
    public DiskForm Form => DiskForms.Of(Disk);

    /// <summary>Of the new image.</summary>
    public long SizeBytes => Form == DiskForm.Raw ? Disk.Layers[0].SizeBytes : Disk.VirtualSizeBytes;

    public override string ToString() => $"{RbdDestination.Prefix}{Image}";
}
