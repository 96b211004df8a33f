namespace KvmBackup.Planning;

/// <summary>The plan of a restore.</summary>
/// <param name="Files">The files to write, backing files before the images that depend on them.</param>
/// <param name="Edit">The changes to the domain's XML.</param>
/// <param name="Name">The domain's name after the restore.</param>
/// <param name="Define">Define the domain in libvirt.</param>
/// <param name="Start">Start it, too.</param>
/// <param name="Warnings">Warnings for the operator.</param>
public sealed record RestorePlan(
    IReadOnlyList<RestoreFile> Files,
    DomainEdit Edit,
    DomainName Name,
    bool Define,
    bool Start,
    IReadOnlyList<string> Warnings)
{
    /// <summary>The snapshots whose records are restored, each after its parent.</summary>
    public IReadOnlyList<ManifestSnapshot> Snapshots { get; init; } = [];

    /// <summary>The disks to write into a cluster.</summary>
    public IReadOnlyList<RestoreImage> Images { get; init; } = [];
}

/// <summary>One file to write.</summary>
/// <param name="MemberName">The member below the domain's folder in the archive.</param>
/// <param name="FilePath">The destination.</param>
/// <param name="WhenExisting">What to do with an existing file.</param>
/// <param name="IsBlockDevice">The destination is an existing block device.</param>
/// <param name="Backing">The new backing file in its header; null leaves the header unchanged.</param>
/// <param name="IsQcow2">It is a qcow2 image, whose metadata can be checked.</param>
public sealed record RestoreFile(
    string MemberName,
    string FilePath,
    ExistingFileRule WhenExisting,
    bool IsBlockDevice,
    RestoreBacking? Backing,
    bool IsQcow2)
{
    /// <summary>The disk from whose chain the file is assembled; null for a member that is written unchanged.</summary>
    public DiskTarget? Assembled { get; init; }
}

/// <summary>One disk to write into an RBD image.</summary>
/// <param name="Disk">The disk of the backup.</param>
/// <param name="Image">The new image.</param>
/// <param name="MayReplace">The operator named this image: an existing one may be replaced.</param>
public sealed record RestoreImage(ManifestDisk Disk, RbdImage Image, bool MayReplace)
{
    public DiskForm Form => DiskForms.Of(Disk);

    /// <summary>Size of the new image.</summary>
    public long SizeBytes => Form == DiskForm.Raw ? Disk.Layers[0].SizeBytes : Disk.VirtualSizeBytes;

    public override string ToString() => $"{RbdDestination.Prefix}{Image}";
}

/// <summary>A backing file as named in a qcow2 header.</summary>
public sealed record RestoreBacking(string Name, string Format);

/// <summary>What a restore does with an existing file.</summary>
public enum ExistingFileRule
{
    /// <summary>The restore is refused.</summary>
    Refuse,

    /// <summary>The file is kept and used when its content is the backup's; otherwise the restore is refused.</summary>
    KeepIfIdentical,

    /// <summary>The file is replaced: the operator named its domain.</summary>
    Replace,
}

/// <summary>How the guest's view of a disk is obtained from the members.</summary>
public enum DiskForm
{
    /// <summary>One member holds it.</summary>
    Raw,

    /// <summary>It is assembled from the backups of a chain.</summary>
    Chain,

    /// <summary>One or several qcow2 images hold it, which QEMU must read.</summary>
    Qcow2,
}

/// <summary>Determines the form of a disk of a backup.</summary>
public static class DiskForms
{
    public static DiskForm Of(ManifestDisk disk) => disk switch
    {
        { Image: not null } => DiskForm.Chain,
        { Layers: [{ Format: "raw" }] } => DiskForm.Raw,
        _ => DiskForm.Qcow2,
    };
}
