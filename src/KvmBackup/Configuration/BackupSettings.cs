namespace KvmBackup.Configuration;

/// <summary>The settings that guests and images without a guest have in common.</summary>
/// <param name="Schedule">The days; without a day it runs only when requested by name.</param>
/// <param name="Retention">Retention of its backups.</param>
/// <param name="Compression">Codec of the archive.</param>
/// <param name="VerifyBeforePublish">Read the archive back before publishing the backup.</param>
public abstract record BackupSettings(
    Schedule Schedule, RetentionPolicy Retention, Compression Compression, bool VerifyBeforePublish)
{
    public static readonly TimeSpan DefaultStallTimeout = TimeSpan.FromMinutes(2);

    /// <summary>Abort the backup when the target accepts no data for this long.</summary>
    public TimeSpan StallTimeout { get; init; } = DefaultStallTimeout;

    /// <summary>Limits on the host's resources.</summary>
    public ResourceLimits Limits { get; init; } = ResourceLimits.None;

    /// <summary>Access to a Ceph cluster, in addition to or instead of the domain's XML.</summary>
    public CephSettings Ceph { get; init; } = CephSettings.None;

    /// <summary>When RBD images get a new full backup; null is every time.</summary>
    public ChainPolicy? FullEvery { get; init; }

    /// <summary>Number of our snapshots of each image kept for a quick rollback, the newest included.</summary>
    public int KeepOnCluster { get; init; }

    /// <summary>Protect our snapshots against accidental removal.</summary>
    public bool ProtectSnapshots { get; init; }
}
