using System.Diagnostics.CodeAnalysis;

namespace KvmBackup.Model.Backups;

/// <summary>
/// What one backup holds: everything that list, verify, restore and retention need, so that the directory is its own
/// catalogue and can be copied anywhere.
/// </summary>
/// <param name="FormatVersion">The version of this record; a reader refuses any other.</param>
/// <param name="Program">Name and version of the program that wrote it.</param>
/// <param name="Host">The hypervisor, by short host name.</param>
/// <param name="Domain">The domain's name at that time.</param>
/// <param name="DomainUuid">Who it is.</param>
/// <param name="Id">The instant of the pin.</param>
/// <param name="Kind">Full only if all its disks are.</param>
/// <param name="Consistency">What was achieved.</param>
/// <param name="ConsistencyReason">Why it is no better; null when it is the best there is.</param>
/// <param name="StartedAt">When the job began.</param>
/// <param name="FinishedAt">When the archive was complete.</param>
/// <param name="FrozenFor">How long the guest's file systems were frozen; null when they were not.</param>
/// <param name="Archive">The archive file.</param>
/// <param name="Disks">The disks in it.</param>
/// <param name="SkippedDisks">The disks that are not in it, each with its reason.</param>
/// <param name="Files">Kernel, initrd, NVRAM: members that are neither disk nor XML.</param>
/// <param name="Members">All files in the archive, in order.</param>
/// <param name="Warnings">What an operator should know of this backup.</param>
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

    /// <summary>The backups that were merged into this one, the oldest first; empty for one that was read from its source.</summary>
    [AllowNull]
    public IReadOnlyList<BackupId> MergedFrom { get; init => field = value ?? []; } = [];

    /// <summary>What the guest wrote to its overlays while it was backed up; null without overlays, and in older backups.</summary>
    public long? OverlayBytes { get; init; }

    /// <summary>Whether the host started the domain when the host itself started; null when it was not asked.</summary>
    public bool? Autostart { get; init; }

    /// <summary>The RBD images that it holds, by the names that they had.</summary>
    public IReadOnlyList<RbdImage> FindImages() => [.. Disks.Select(disk => disk.Image?.Image).OfType<RbdImage>()];

    /// <summary>The backups that its disks stand on next, the newest first; empty for a full one.</summary>
    public IEnumerable<BackupId> Bases =>
        Disks.Select(disk => disk.Image?.BaseBackup).OfType<BackupId>().Distinct().OrderDescending();

    /// <summary>The member of that name below the domain's folder, <c>vda.qcow2</c>; null when there is none.</summary>
    public ArchiveMember? FindMember(string fileName) =>
        Members.FirstOrDefault(member => member.Name == $"{Domain.FileName}/{fileName}");
}

/// <summary>The archive of a backup as a file.</summary>
/// <param name="FileName">Within the backup's directory.</param>
/// <param name="IndexFileName">The index of chunks beside it.</param>
/// <param name="Compression">The codec of its chunks.</param>
/// <param name="SizeBytes">Size of the file.</param>
/// <param name="TarBytes">Size of the tar stream before compression.</param>
/// <param name="Sha256">Of the file's bytes, in lower-case hexadecimal.</param>
public sealed record ManifestArchive(
    string FileName,
    string IndexFileName,
    CompressionMethod Compression,
    long SizeBytes,
    long TarBytes,
    string Sha256)
{
    /// <summary>Size of the index beside it; null in a manifest from before this was noted.</summary>
    public long? IndexSizeBytes { get; init; }
}

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

/// <summary>One file of a disk's backing chain within a backup.</summary>
/// <param name="FileName">The member below the domain's folder: <c>vda.qcow2</c>, <c>vda.backing1.qcow2</c>.</param>
/// <param name="Format">qcow2, raw, or <see cref="RbdDiffFormat"/>.</param>
/// <param name="SourcePath">Where it was on the host.</param>
/// <param name="IsBlockDevice">It was a device rather than a file.</param>
/// <param name="Xxh128">The tree checksum of its content.</param>
/// <param name="SizeBytes">The size of the file.</param>
public sealed record ManifestLayer(
    string FileName, string Format, string SourcePath, bool IsBlockDevice, string Xxh128, long SizeBytes)
{
    /// <summary>The format of a member that holds the changes of an image, as <c>rbd import-diff</c> takes them.</summary>
    public const string RbdDiffFormat = "rbddiff";
}

/// <summary>The RBD image behind a disk of a backup, and what the backup stands on.</summary>
/// <param name="Image">Its name, <c>pool/image</c> or <c>pool/namespace/image</c>.</param>
/// <param name="ImageId">Who it was: one that is made anew under the same name has another.</param>
/// <param name="Snapshot">The snapshot that was read.</param>
/// <param name="BaseBackup">The backup that this one cannot be restored without; null for a full one.</param>
/// <param name="BaseSnapshot">That backup's snapshot; null for a full one.</param>
/// <param name="Changes">What the increment holds, in the order of its stream; empty for a full one.</param>
public sealed record ManifestImage(
    RbdImage Image, string ImageId, string Snapshot, BackupId? BaseBackup, string? BaseSnapshot,
    IReadOnlyList<ImageChange> Changes)
{
    /// <summary>The name of the member that holds an image or its changes, below the domain's folder.</summary>
    public static string MemberName(DiskTarget target, bool isFull) =>
        isFull ? $"{target}.raw" : $"{target}.{ManifestLayer.RbdDiffFormat}";

    /// <summary>Whether these changes lead on from that point of the same image.</summary>
    public bool DependsOn(ManifestImage below) => ImageId == below.ImageId && BaseSnapshot == below.Snapshot;

    /// <summary>The ID of a snapshot that somebody else had made, whose name may come again; null for our own.</summary>
    public long? SnapshotId { get; init; }
}
