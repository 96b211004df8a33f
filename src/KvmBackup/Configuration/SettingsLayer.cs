namespace KvmBackup.Configuration;

/// <summary>The backup settings of one level of the file (defaults, host or domain); null is not set.</summary>
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

    /// <summary>When a new full backup is due and which increments lie between; null is a full backup every
    /// time.</summary>
    public ChainPolicy? Chain => FullEvery is null && IsMerging is not true ? null
        : (FullEvery ?? new ChainPolicy(Points: null, Age: null, IsDifferential: false)) with
        {
            IsDifferential = IsDifferential ?? false,
            IsMerging = IsMerging ?? false,
        };

    /// <summary>These settings, with unset values from a more general level.</summary>
    public SettingsLayer Over(SettingsLayer general) => new()
    {
        Schedule = Schedule ?? general.Schedule,
        Retention = Retention ?? general.Retention,
        Compression = Compression?.Over(general.Compression) ?? general.Compression,
        Quiesce = Quiesce ?? general.Quiesce,
        Disks = Disks ?? general.Disks,
        OverlayDirectory = OverlayDirectory ?? general.OverlayDirectory,
        FreezeTimeout = FreezeTimeout ?? general.FreezeTimeout,
        CommitTimeout = CommitTimeout ?? general.CommitTimeout,
        StallTimeout = StallTimeout ?? general.StallTimeout,
        OverlayHeadroom = OverlayHeadroom ?? general.OverlayHeadroom,
        VerifyBeforePublish = VerifyBeforePublish ?? general.VerifyBeforePublish,
        Limits = Limits?.Over(general.Limits) ?? general.Limits,
        Ceph = Ceph?.Over(general.Ceph) ?? general.Ceph,
        FullEvery = FullEvery ?? general.FullEvery,
        IsDifferential = IsDifferential ?? general.IsDifferential,
        IsMerging = IsMerging ?? general.IsMerging,
        KeepOnCluster = KeepOnCluster ?? general.KeepOnCluster,
        ProtectSnapshots = ProtectSnapshots ?? general.ProtectSnapshots,
    };

    /// <summary>The settings of a domain, with the defaults for what is not set.</summary>
    public DomainSettings ToDomain(DomainName name) => new(
        name,
        Schedule ?? new Schedule([]),
        Retention ?? new RetentionPolicy(),
        Compression?.ToCompression() ?? new Compression(CompressionMethod.Pigz),
        Quiesce ?? QuiesceMode.Try,
        Disks ?? DiskSelection.All,
        OverlayDirectory,
        FreezeTimeout ?? DomainSettings.DefaultFreezeTimeout,
        CommitTimeout ?? DomainSettings.DefaultCommitTimeout,
        VerifyBeforePublish ?? false)
    {
        StallTimeout = StallTimeout ?? BackupSettings.DefaultStallTimeout,
        OverlayHeadroom = OverlayHeadroom,
        KeepOnCluster = KeepOnCluster ?? 0,
        ProtectSnapshots = ProtectSnapshots ?? false,
        Limits = Limits ?? ResourceLimits.None,
        Ceph = Ceph ?? CephSettings.None,
        FullEvery = Chain,
    };

    /// <summary>
    /// The settings of a domain that nothing selects. Its backups are full ones and no snapshot stays in a cluster,
    /// because no later run would remove it.
    /// </summary>
    public DomainSettings ToUnlisted() =>
        (this with { Schedule = null, Retention = null }).ToDomain(new DomainName("?")) with
        {
            FullEvery = null,
            KeepOnCluster = 0,
        };
}
