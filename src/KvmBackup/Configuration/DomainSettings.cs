namespace KvmBackup.Configuration;

/// <summary>The settings of one domain.</summary>
/// <param name="Name">Name in libvirt.</param>
/// <param name="Schedule">The days; without a day it runs only when requested by name.</param>
/// <param name="Retention">Retention of its backups.</param>
/// <param name="Compression">Codec of the archive.</param>
/// <param name="Quiesce">Whether to freeze the guest.</param>
/// <param name="Disks">The disks to back up.</param>
/// <param name="OverlayDirectory">Absolute path for overlays; null is beside each disk.</param>
/// <param name="FreezeTimeout">The longest time that the guest's file systems may stay frozen.</param>
/// <param name="CommitTimeout">The longest time for the commit of an overlay.</param>
/// <param name="VerifyBeforePublish">Read the archive back before publishing the backup.</param>
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

    /// <summary>
    /// Free space for overlays that a backup requires, as a share of the disks' virtual size; null for an estimate
    /// from the
    /// guest's last backups and its data.
    /// </summary>
    public double? OverlayHeadroom { get; init; }

    /// <summary>Nothing in the configuration selects the domain: it is backed up because it was named.</summary>
    public bool IsUnlisted { get; init; }

    public static readonly TimeSpan DefaultCommitTimeout = TimeSpan.FromMinutes(30);
}
