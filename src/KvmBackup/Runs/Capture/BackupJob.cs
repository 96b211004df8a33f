using KvmBackup.Configuration;

namespace KvmBackup.Runs.Capture;

/// <summary>All that is known and decided about one backup before anything is changed, whatever it is of.</summary>
/// <param name="Disks">The disks to take.</param>
/// <param name="Skipped">The disks to leave out.</param>
/// <param name="DataBytes">About how much will be read.</param>
/// <param name="Warnings">What an operator should know.</param>
public abstract record BackupJob(
    IReadOnlyList<BackupDisk> Disks, IReadOnlyList<SkippedDisk> Skipped, long DataBytes, IReadOnlyList<string> Warnings)
{
    /// <summary>The disks that lie in a Ceph cluster.</summary>
    public IReadOnlyList<BackupImage> Images { get; } = [.. Disks.Select(disk => disk.Image).OfType<BackupImage>()];

    /// <summary>Full only if all disks are; differential if none needs more than its full one.</summary>
    public BackupKind Kind { get; } = Disks.Select(disk => disk.Kind).Aggregate(
        BackupKind.Full, (all, one) => all == BackupKind.Incremental || one == BackupKind.Full ? all : one);

    /// <summary>The name and UUID under which its backups lie.</summary>
    public abstract DomainIdentity Identity { get; }

    /// <summary>What the configuration wants.</summary>
    public abstract BackupSettings Terms { get; }

    /// <summary>How much a freeze was wanted.</summary>
    public abstract QuiesceMode Quiesce { get; }

    /// <summary>Files that are neither disks nor texts.</summary>
    public abstract IReadOnlyList<AuxiliaryFile> Files { get; }

    public DomainName Name => Identity.Name;

    /// <summary>Whether the host starts it when the host itself starts; null when that is not known of it.</summary>
    public virtual bool? Autostart => null;

    /// <summary>The small members that the archive begins with, by name.</summary>
    public abstract IReadOnlyList<(string Name, string Text)> Texts(BackupId id, string hostName, string archiveName);
}

/// <summary>What the copy of a domain is worth.</summary>
/// <param name="Consistency">What was achieved.</param>
/// <param name="Reason">Why it is no better; null when it is the best there is.</param>
/// <param name="FrozenFor">How long the guest was frozen; null when it was not.</param>
public sealed record PinOutcome(Consistency Consistency, string? Reason, TimeSpan? FrozenFor)
{
    /// <summary>What the guest wrote to its overlays until they were released; null when it had none.</summary>
    public long? OverlayBytes { get; init; }

    /// <summary>A downgrade that nobody asked for is told.</summary>
    public IEnumerable<string> Warnings(QuiesceMode quiesce) =>
        Reason is null || quiesce == QuiesceMode.Off ? [] : [$"only crash-consistent: {Reason}"];
}
