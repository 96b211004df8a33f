using KvmBackup.Configuration;

namespace KvmBackup.Runs.Capture;

/// <summary>The decisions about one backup of a domain or an image, before anything changes.</summary>
/// <param name="Disks">The disks to back up.</param>
/// <param name="Skipped">The disks to leave out.</param>
/// <param name="DataBytes">The approximate number of bytes to read.</param>
/// <param name="Warnings">Warnings for the report.</param>
public abstract record BackupJob(
    IReadOnlyList<BackupDisk> Disks, IReadOnlyList<SkippedDisk> Skipped, long DataBytes, IReadOnlyList<string> Warnings)
{
    /// <summary>The disks in a Ceph cluster.</summary>
    public IReadOnlyList<BackupImage> Images { get; } = [.. Disks.Select(disk => disk.Image).OfType<BackupImage>()];

    /// <summary>Full only if all disks are; differential if none needs more than its full one.</summary>
    public BackupKind Kind { get; } = Disks.Select(disk => disk.Kind).Aggregate(
        BackupKind.Full, (all, one) => all == BackupKind.Incremental || one == BackupKind.Full ? all : one);

    /// <summary>The name and UUID under which its backups are stored.</summary>
    public abstract DomainIdentity Identity { get; }

    /// <summary>The configuration.</summary>
    public abstract BackupSettings Terms { get; }

    /// <summary>How strictly a freeze is requested.</summary>
    public abstract QuiesceMode Quiesce { get; }

    /// <summary>Files that are neither disks nor texts.</summary>
    public abstract IReadOnlyList<AuxiliaryFile> Files { get; }

    public DomainName Name => Identity.Name;

    /// <summary>Whether it starts with the host; null when this is unknown.</summary>
    public virtual bool? Autostart => null;

    /// <summary>The title and group that select a domain.</summary>
    public virtual DomainLabels Labels => DomainLabels.None;

    /// <summary>The domain's snapshots in libvirt, each after its parent.</summary>
    public virtual IReadOnlyList<DomainSnapshot> Snapshots => [];

    /// <summary>What a domain uses beyond its own disks.</summary>
    public virtual HostDependencies Dependencies => HostDependencies.None;

    /// <summary>The small members at the start of the archive, by name.</summary>
    public abstract IReadOnlyList<(string Name, string Text)> Texts(BackupId id, string hostName, string archiveName);
}

/// <summary>The consistency of a captured guest or image.</summary>
/// <param name="Consistency">The achieved consistency.</param>
/// <param name="Reason">Why it is not better; null for the best.</param>
/// <param name="FrozenFor">How long the guest was frozen; null when it was not.</param>
public sealed record PinOutcome(Consistency Consistency, string? Reason, TimeSpan? FrozenFor)
{
    /// <summary>What the guest wrote to its overlays until they were released; null when it had none.</summary>
    public long? OverlayBytes { get; init; }

    /// <summary>A downgrade is a warning, unless the settings request it.</summary>
    public IEnumerable<string> Warnings(QuiesceMode quiesce) =>
        Reason is null || quiesce == QuiesceMode.Off ? [] : [$"only crash-consistent: {Reason}"];
}
