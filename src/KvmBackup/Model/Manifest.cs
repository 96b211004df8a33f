using System.Diagnostics.CodeAnalysis;

namespace KvmBackup.Model;

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
