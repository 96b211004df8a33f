namespace KvmBackup.Configuration;

/// <summary>What one level of the file (defaults, host or domain) says about what is backed up; null is silence.</summary>
internal sealed record SettingsLayer
{
    public Schedule? Schedule { get; init; }

    public RetentionPolicy? Retention { get; init; }

    public CompressionLayer? Compression { get; init; }

    public QuiesceMode? Quiesce { get; init; }

    public DiskSelection? Disks { get; init; }

    public string? OverlayDirectory { get; init; }

    public TimeSpan? FreezeTimeout { get; init; }

    public TimeSpan? CommitTimeout { get; init; }

    public TimeSpan? StallTimeout { get; init; }

    public double? OverlayHeadroom { get; init; }

    public bool? VerifyBeforePublish { get; init; }

    public ResourceLimits? Limits { get; init; }

    public CephSettings? Ceph { get; init; }

    public ChainPolicy? FullEvery { get; init; }

    public bool? IsDifferential { get; init; }

    public bool? IsMerging { get; init; }

    public int? KeepOnCluster { get; init; }

    public bool? ProtectSnapshots { get; init; }

    /// <summary>When a new full backup is due, and what the others stand on; null is a full one every time.</summary>
    public ChainPolicy? Chain => FullEvery is null && IsMerging is not true ? null
        : (FullEvery ?? new ChainPolicy(Points: null, Age: null, IsDifferential: false)) with
        {
            IsDifferential = IsDifferential ?? false,
            IsMerging = IsMerging ?? false,
        };

    /// <summary>This level on top of a farther one: the nearer wins.</summary>
    public SettingsLayer Over(SettingsLayer farther) => new()
    {
        Schedule = Schedule ?? farther.Schedule,
        Retention = Retention ?? farther.Retention,
        Compression = Compression?.Over(farther.Compression) ?? farther.Compression,
        Quiesce = Quiesce ?? farther.Quiesce,
        Disks = Disks ?? farther.Disks,
        OverlayDirectory = OverlayDirectory ?? farther.OverlayDirectory,
        FreezeTimeout = FreezeTimeout ?? farther.FreezeTimeout,
        CommitTimeout = CommitTimeout ?? farther.CommitTimeout,
        StallTimeout = StallTimeout ?? farther.StallTimeout,
        OverlayHeadroom = OverlayHeadroom ?? farther.OverlayHeadroom,
        VerifyBeforePublish = VerifyBeforePublish ?? farther.VerifyBeforePublish,
        Limits = Limits?.Over(farther.Limits) ?? farther.Limits,
        Ceph = Ceph?.Over(farther.Ceph) ?? farther.Ceph,
        FullEvery = FullEvery ?? farther.FullEvery,
        IsDifferential = IsDifferential ?? farther.IsDifferential,
        IsMerging = IsMerging ?? farther.IsMerging,
        KeepOnCluster = KeepOnCluster ?? farther.KeepOnCluster,
        ProtectSnapshots = ProtectSnapshots ?? farther.ProtectSnapshots,
    };
}
