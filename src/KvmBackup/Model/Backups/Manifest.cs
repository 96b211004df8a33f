using System.Diagnostics.CodeAnalysis;

namespace KvmBackup.Model.Backups;

/// <summary>
/// The content of one backup. It holds everything that list, verify, restore and retention need, so the backup
/// directory
/// needs no other catalogue and can be copied anywhere.
/// </summary>
/// <param name="FormatVersion">The version of this record; a reader refuses any other.</param>
/// <param name="Program">Name and version of the program that wrote it.</param>
/// <param name="Host">The hypervisor, by short host name.</param>
/// <param name="Domain">The domain's name at that time.</param>
/// <param name="DomainUuid">The domain's UUID.</param>
/// <param name="Id">The instant of the snapshot.</param>
/// <param name="Kind">Full only when all its disks are full.</param>
/// <param name="Consistency">The consistency that was achieved.</param>
/// <param name="ConsistencyReason">Why the consistency is not better; null for the best one.</param>
/// <param name="StartedAt">Start of the job.</param>
/// <param name="FinishedAt">Completion of the archive.</param>
/// <param name="FrozenFor">How long the guest's file systems were frozen; null when they were not.</param>
/// <param name="Archive">The archive file.</param>
/// <param name="Disks">The disks in it.</param>
/// <param name="SkippedDisks">The disks that are left out, each with its reason.</param>
/// <param name="Files">Kernel, initrd, NVRAM: members that are neither disk nor XML.</param>
/// <param name="Members">All files in the archive, in order.</param>
/// <param name="Warnings">Warnings for the operator.</param>
public sealed record Manifest(
    int FormatVersion,
    string Program,
    string Host,
    DomainName Domain,
    Guid DomainUuid,
    BackupId Id,
    BackupKind Kind,
    Consistency Consistency,
    string? ConsistencyReason,
    DateTimeOffset StartedAt,
    DateTimeOffset FinishedAt,
    TimeSpan? FrozenFor,
    ManifestArchive Archive,
    IReadOnlyList<ManifestDisk> Disks,
    IReadOnlyList<SkippedDisk> SkippedDisks,
    IReadOnlyList<AuxiliaryFile> Files,
    IReadOnlyList<ArchiveMember> Members,
    IReadOnlyList<string> Warnings)
{
    public const int CurrentFormatVersion = 2;

    /// <summary>The backups merged into this one, the oldest first; empty for a backup read from its source.</summary>
    [AllowNull]
    public IReadOnlyList<BackupId> MergedFrom { get; init => field = value ?? []; } = [];

    /// <summary>Bytes the guest wrote to its overlays during the backup; null without overlays and in older
    /// backups.</summary>
    public long? OverlayBytes { get; init; }

    /// <summary>The domain's autostart flag; null when it was not determined.</summary>
    public bool? Autostart { get; init; }

    /// <summary>The domain's title in libvirt; null for none, and in older backups.</summary>
    public string? Title { get; init; }

    /// <summary>The group in the domain's metadata; null for none, and in older backups.</summary>
    public string? Group { get; init; }

    /// <summary>The domain's snapshots in libvirt, each after its parent; empty in older backups.</summary>
    [AllowNull]
    public IReadOnlyList<ManifestSnapshot> Snapshots { get; init => field = value ?? []; } = [];

    /// <summary>The objects of libvirt to which the domain refers, whose definitions are in the archive; empty in
    /// older backups.</summary>
    [AllowNull]
    public IReadOnlyList<SavedDefinition> Definitions { get; init => field = value ?? []; } = [];

    /// <summary>The resources of the host that the domain uses and no backup can contain; empty in older
    /// backups.</summary>
    [AllowNull]
    public IReadOnlyList<HostResource> HostResources { get; init => field = value ?? []; } = [];

    /// <summary>The pools of its disks, by their names at that time.</summary>
    public IReadOnlyList<string> FindPools() =>
        [.. Disks.Select(disk => disk.Image?.Image.Pool ?? disk.Pool).OfType<string>()];

    /// <summary>The direct base backups of its disks, the newest first; empty for a full backup.</summary>
    public IEnumerable<BackupId> Bases =>
        Disks.Select(disk => disk.Image?.BaseBackup).OfType<BackupId>().Distinct().OrderDescending();

    /// <summary>The member <c>vda.qcow2</c> below the domain's folder; null when there is none.</summary>
    public ArchiveMember? FindMember(string fileName) =>
        Members.FirstOrDefault(member => member.Name == $"{Domain.FileName}/{fileName}");
}

/// <summary>The definition of an object of libvirt in a backup.</summary>
/// <param name="Kind">Network, network filter, storage pool or secret.</param>
/// <param name="Name">Its name; of a secret the UUID.</param>
/// <param name="Member">The member below the domain's folder: <c>network-1.xml</c>.</param>
public sealed record SavedDefinition(RequirementKind Kind, string Name, string Member);

/// <summary>A resource of the host that a domain uses.</summary>
/// <param name="Kind">A bridge, a device, a folder and so on.</param>
/// <param name="Name">Its name, path or address.</param>
public sealed record HostResource(RequirementKind Kind, string Name);

/// <summary>What a domain uses beyond its own disks.</summary>
/// <param name="Definitions">The definitions in the backup.</param>
/// <param name="Resources">What cannot be in a backup.</param>
public sealed record HostDependencies(
    IReadOnlyList<SavedDefinition> Definitions, IReadOnlyList<HostResource> Resources)
{
    public static readonly HostDependencies None = new([], []);
}

/// <summary>The archive file of a backup.</summary>
/// <param name="FileName">Name within the backup's directory.</param>
/// <param name="IndexFileName">Name of the chunk index.</param>
/// <param name="Compression">Codec of its chunks.</param>
/// <param name="SizeBytes">Size of the file.</param>
/// <param name="TarBytes">Size of the tar stream before compression.</param>
/// <param name="Sha256">SHA-256 of the file, in lower-case hexadecimal.</param>
public sealed record ManifestArchive(
    string FileName,
    string IndexFileName,
    CompressionMethod Compression,
    long SizeBytes,
    long TarBytes,
    string Sha256)
{
    /// <summary>Size of the index; null in manifests of older versions.</summary>
    public long? IndexSizeBytes { get; init; }
}

/// <summary>A snapshot of the domain in libvirt. Its data are in the images.</summary>
/// <param name="Name">Its name.</param>
/// <param name="FileName">The member with its record, below the domain's folder.</param>
/// <param name="IsCurrent">It was the domain's current snapshot.</param>
public sealed record ManifestSnapshot(string Name, string FileName, bool IsCurrent);

/// <summary>One disk of a backup.</summary>
/// <param name="Target">Target device.</param>
/// <param name="Kind">Kind of the disk's content.</param>
/// <param name="VirtualSizeBytes">Size that the guest sees.</param>
/// <param name="Layers">The backing chain, the active layer first; one layer for a disk without a backing file.</param>
public sealed record ManifestDisk(
    DiskTarget Target,
    BackupKind Kind,
    long VirtualSizeBytes,
    IReadOnlyList<ManifestLayer> Layers)
{
    /// <summary>The RBD image of the disk; null for files and block devices.</summary>
    public ManifestImage? Image { get; init; }

    /// <summary>The storage pool of libvirt, for a disk that is a volume; null for every other disk, and in older
    /// backups.</summary>
    public string? Pool { get; init; }
}

/// <summary>One file of a disk's backing chain within a backup.</summary>
/// <param name="FileName">The member below the domain's folder: <c>vda.qcow2</c>, <c>vda.backing1.qcow2</c>.</param>
/// <param name="Format">qcow2, raw, or <see cref="RbdDiffFormat"/>.</param>
/// <param name="SourcePath">Path on the host.</param>
/// <param name="IsBlockDevice">The source was a block device.</param>
/// <param name="Xxh128">Tree checksum of the content.</param>
/// <param name="SizeBytes">Size of the file.</param>
public sealed record ManifestLayer(
    string FileName, string Format, string SourcePath, bool IsBlockDevice, string Xxh128, long SizeBytes)
{
    /// <summary>The format of a member that holds the changes of an image, as <c>rbd import-diff</c> reads
    /// them.</summary>
    public const string RbdDiffFormat = "rbddiff";
}

/// <summary>The RBD image of a disk in a backup, with the base of an increment.</summary>
/// <param name="Image">Its name, <c>pool/image</c> or <c>pool/namespace/image</c>.</param>
/// <param name="ImageId">The cluster's ID of the image: an image created again under the same name has another
/// ID.</param>
/// <param name="Snapshot">The snapshot that was read.</param>
/// <param name="BaseBackup">The backup that a restore requires; null for a full backup.</param>
/// <param name="BaseSnapshot">That backup's snapshot; null for a full backup.</param>
/// <param name="Changes">The changes in the increment, in the order of its stream; empty for a full backup.</param>
public sealed record ManifestImage(
    RbdImage Image, string ImageId, string Snapshot, BackupId? BaseBackup, string? BaseSnapshot,
    IReadOnlyList<ImageChange> Changes)
{
    /// <summary>The name of the member that holds an image or its changes, below the domain's folder.</summary>
    public static string MemberName(DiskTarget target, bool isFull) =>
        isFull ? $"{target}.raw" : $"{target}.{ManifestLayer.RbdDiffFormat}";

    /// <summary>Whether these changes start at the snapshot of the given backup of the same image.</summary>
    public bool DependsOn(ManifestImage below) => ImageId == below.ImageId && BaseSnapshot == below.Snapshot;

    /// <summary>ID of a snapshot made by another program, which may reuse the name; null for our own.</summary>
    public long? SnapshotId { get; init; }
}
