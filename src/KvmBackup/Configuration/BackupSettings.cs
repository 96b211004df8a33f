namespace KvmBackup.Configuration;

/// <summary>What is the same for a guest and for an image without one.</summary>
/// <param name="Schedule">When; without a day it runs only when it is asked for by name.</param>
/// <param name="Retention">How long its backups stay.</param>
/// <param name="Compression">Codec of the archive.</param>
/// <param name="VerifyBeforePublish">Read the archive back before it counts as a backup.</param>
public abstract record BackupSettings(
    Schedule Schedule, RetentionPolicy Retention, Compression Compression, bool VerifyBeforePublish)
{
    public static readonly TimeSpan DefaultStallTimeout = TimeSpan.FromMinutes(2);

    /// <summary>How long the target may take no data before the backup is given up for the guest's sake.</summary>
    public TimeSpan StallTimeout { get; init; } = DefaultStallTimeout;

    /// <summary>How much of the host it may ask for.</summary>
    public ResourceLimits Limits { get; init; } = ResourceLimits.None;

    /// <summary>How a Ceph cluster is reached, where the domain's XML does not tell or is not to be followed.</summary>
    public CephSettings Ceph { get; init; } = CephSettings.None;

    /// <summary>When RBD images get a new full backup; null is every time.</summary>
    public ChainPolicy? FullEvery { get; init; }

    /// <summary>How many of our snapshots of each image stay in its cluster for a quick rollback, the newest included.</summary>
    public int KeepOnCluster { get; init; }

    /// <summary>Our snapshots are protected, so that nobody removes them by mistake.</summary>
    public bool ProtectSnapshots { get; init; }
}
