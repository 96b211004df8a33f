namespace KvmBackup.Configuration;

/// <summary>How one domain is backed up.</summary>
/// <param name="Name">The name that libvirt knows.</param>
/// <param name="Schedule">When; without a day it runs only when it is asked for by name.</param>
/// <param name="Retention">How long its backups stay.</param>
/// <param name="Compression">Codec of the archive.</param>
/// <param name="Quiesce">How much a freeze matters.</param>
/// <param name="Disks">Which disks are taken.</param>
/// <param name="OverlayDirectory">Absolute path for overlays; null is beside each disk.</param>
/// <param name="FreezeTimeout">The longest that the guest's file systems may stay frozen.</param>
/// <param name="CommitTimeout">The longest that an overlay may take to be committed.</param>
/// <param name="VerifyBeforePublish">Read the archive back before it counts as a backup.</param>
public sealed record DomainSettings(
    DomainName Name,
    Schedule Schedule,
    RetentionPolicy Retention,
    Compression Compression,
    QuiesceMode Quiesce,
    DiskSelection Disks,
    string? OverlayDirectory,
    TimeSpan FreezeTimeout,
    TimeSpan CommitTimeout,
    bool VerifyBeforePublish) : BackupSettings(Schedule, Retention, Compression, VerifyBeforePublish)
{
    public static readonly TimeSpan DefaultFreezeTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Room for overlays that must be there before a backup begins, as a share of the disks' virtual size; null is as
    /// much as the guest's last backups and its data suggest.</summary>
    public double? OverlayHeadroom { get; init; }

    public static readonly TimeSpan DefaultCommitTimeout = TimeSpan.FromMinutes(30);
}
