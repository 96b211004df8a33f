using KvmBackup.Configuration;
using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>All that is known and decided about one domain before anything is changed.</summary>
/// <param name="Settings">What the configuration wants.</param>
/// <param name="Facts">What libvirt said.</param>
/// <param name="Disks">The disks to take, with their backing chains.</param>
/// <param name="Skipped">The disks to leave out.</param>
/// <param name="Overlays">One for each disk of an active domain; none when it is shut off.</param>
/// <param name="DataBytes">About how much will be read.</param>
/// <param name="Warnings">What an operator should know.</param>
public sealed record PreparedJob(
    DomainSettings Settings,
    DomainFacts Facts,
    IReadOnlyList<TakenDisk> Disks,
    IReadOnlyList<SkippedDisk> Skipped,
    IReadOnlyList<PlannedOverlay> Overlays,
    long DataBytes,
    IReadOnlyList<string> Warnings)
{
    /// <summary>The disks that lie in a Ceph cluster.</summary>
    public IReadOnlyList<TakenImage> Images { get; } = [.. Disks.Select(disk => disk.Image).OfType<TakenImage>()];

    /// <summary>Full only if all disks are; differential if none needs more than its full one.</summary>
    public BackupKind Kind { get; } = Disks.Select(disk => disk.Kind).Aggregate(
        BackupKind.Full, (all, one) => all == BackupKind.Incremental || one == BackupKind.Full ? all : one);
}
