using KvmBackup.Configuration;
using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>All that is known and decided about one backup before anything is changed, whatever it is of.</summary>
/// <param name="Disks">The disks to take.</param>
/// <param name="Skipped">The disks to leave out.</param>
/// <param name="DataBytes">About how much will be read.</param>
/// <param name="Warnings">What an operator should know.</param>
public abstract record BackupJob(
    IReadOnlyList<TakenDisk> Disks, IReadOnlyList<SkippedDisk> Skipped, long DataBytes, IReadOnlyList<string> Warnings)
{
    /// <summary>The disks that lie in a Ceph cluster.</summary>
    public IReadOnlyList<TakenImage> Images { get; } = [.. Disks.Select(disk => disk.Image).OfType<TakenImage>()];

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
