namespace KvmBackup.Planning;

/// <summary>How a restore goes.</summary>
/// <param name="Files">What is written, backing files before the images that stand on them.</param>
/// <param name="Edit">What changes in the domain's XML.</param>
/// <param name="Name">The domain's name afterwards.</param>
/// <param name="Define">The domain is defined in libvirt.</param>
/// <param name="Start">It is started, too.</param>
/// <param name="Warnings">What an operator should know.</param>
public sealed record RestorePlan(
    IReadOnlyList<RestoreFile> Files,
    DomainEdit Edit,
    DomainName Name,
    bool Define,
    bool Start,
    IReadOnlyList<string> Warnings)
{
    /// <summary>The disks that are written into a cluster.</summary>
    public IReadOnlyList<RestoreImage> Images { get; init; } = [];
}

/// <summary>One file that a restore writes.</summary>
/// <param name="MemberName">The member below the domain's folder in the archive.</param>
/// <param name="FilePath">Where it goes.</param>
/// <param name="WhenExisting">What is done when something is there already.</param>
/// <param name="IsBlockDevice">It goes onto an existing block device.</param>
/// <param name="Backing">The backing file that its header is to name from now on; null leaves the header as it is.</param>
/// <param name="IsQcow2">It is a qcow2 image, whose metadata can be checked.</param>
public sealed record RestoreFile(
    string MemberName,
    string FilePath,
    ExistingFileRule WhenExisting,
    bool IsBlockDevice,
    RestoreBacking? Backing,
    bool IsQcow2)
{
    /// <summary>The disk whose chain it is put together from; null for a member that is written as it is.</summary>
    public DiskTarget? Assembled { get; init; }
}

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

/// <summary>A backing file as a qcow2 header names it.</summary>
public sealed record RestoreBacking(string Name, string Format);

/// <summary>What a restore does with a file that exists.</summary>
public enum ExistingFileRule
{
    /// <summary>Nothing is written at all.</summary>
    Refuse,

    /// <summary>It stays and is used, if its content is the backup's; otherwise nothing is written at all.</summary>
    KeepIfIdentical,

    /// <summary>The operator named the domain whose files may go.</summary>
    Replace,
}

/// <summary>How the content that a guest sees is got out of a disk's members.</summary>
public enum DiskForm
{
    /// <summary>It is the one member.</summary>
    Raw,

    /// <summary>It is put together from the backups of a chain.</summary>
    Chain,

    /// <summary>It is within one or several qcow2 images, which QEMU has to read.</summary>
    Qcow2,
}

/// <summary>Tells the form of a disk of a backup.</summary>
public static class DiskForms
{
    public static DiskForm Of(ManifestDisk disk) => disk switch
    {
        { Image: not null } => DiskForm.Chain,
        { Layers: [{ Format: "raw" }] } => DiskForm.Raw,
        _ => DiskForm.Qcow2,
    };
}
