using System.Text;
using KvmBackup.Archiving;
using KvmBackup.Ceph;
using KvmBackup.Disks;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Backup;

/// <summary>
/// The archive of one backup while it is written: opened with the texts before the capture, given each disk once, and
/// completed after the guest is back on its disks.
/// </summary>
public sealed class DomainArchive : IAsyncDisposable, IDiskConsumer
{
    private readonly BackupJob job;
    private readonly PendingBackup pending;
    private readonly RbdClient cluster;
    private readonly ILogger log;
    private readonly BackupArchive archive;
    private readonly List<ManifestDisk> disks = [];
    private readonly List<string> warnings = [];

    /// <exception cref="KvmBackupException">The file cannot be created, or the codec is not available.</exception>
    public DomainArchive(
        BackupJob job, PendingBackup pending, Archiver archiver, RbdClient cluster, DateTimeOffset startedAt,
        ILogger log)
    {
        this.job = job;
        this.pending = pending;
        this.cluster = cluster;
        this.log = log;
        archive = new BackupArchive(job.Name, pending, archiver, job.Terms.Compression, startedAt);
    }

    /// <summary>Faults that were found during the read.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>Adds the restore guide and, for a domain, its XML and the files that it requires to start.</summary>
    public async Task AddDefinitionsAsync(string hostName, CancellationToken cancellationToken)
    {
        foreach ((string name, string text) in job.Texts(pending.Id, hostName, archive.FileName))
        {
            _ = await archive.AddAsync(name, Encoding.UTF8.GetBytes(text), cancellationToken);
        }

        foreach (AuxiliaryFile auxiliary in job.Files)
        {
            using FileExtentSource source = FileExtentSource.Open(auxiliary.SourcePath);
            _ = await archive.AddAsync(auxiliary.MemberName, source, null, cancellationToken);
        }
    }

    /// <summary>Reads all layers of one disk; returns when they are read, before they are written.</summary>
    public Task ReadAsync(BackupDisk disk, TransferMonitor monitor, CancellationToken cancellationToken) =>
        disk.Image is { } image
            ? AddImageAsync(disk, image, monitor, cancellationToken) : AddLayersAsync(disk, monitor, cancellationToken);

    private async Task AddLayersAsync(BackupDisk disk, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        List<ManifestLayer> layers = [];
        for (int depth = 0; depth < disk.Layers.Count; depth++)
        {
            ImageLayer layer = disk.Layers[depth];
            string name = disk.MemberName(depth);
            log.Information("{Domain}: reading {Member} from {Path}", job.Name, name, layer.FilePath);
            using FileExtentSource source = FileExtentSource.Open(layer.FilePath);
            ArchiveMember member = await archive.AddAsync(
                name, monitor.Limit(source), monitor.Begin($"reading {name}"), cancellationToken);
            layers.Add(new ManifestLayer(
                name, layer.Format, layer.FilePath, layer.IsBlockDevice, member.ContentXxh128, member.SizeBytes));
        }

        disks.Add(new ManifestDisk(disk.Disk.Target, BackupKind.Full, disk.Layers[0].VirtualSizeBytes, layers)
        {
            Pool = disk.Disk.Volume?.Pool,
        });
    }

    private async Task AddImageAsync(
        BackupDisk disk, BackupImage image, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        await using IRbdExtentSource source = await monitor.WaitAsync(
            IRbdExtentSource.OpenAsync(
                cluster, image.Location, image.SnapshotName, image.Base?.SnapshotName, cancellationToken));
        Warn(disk, source.Warning);
        using IDisposable watched = monitor.Watch(() => source.IsWaiting);

        string name = disk.MemberName(0);
        string since = image.Base is null ? string.Empty : $" since {image.Base.SnapshotName}";
        log.Information("{Domain}: reading {Member} from {Source}", job.Name, name,
            $"{image.Source.Image}@{image.SnapshotName}{since}");
        ArchiveMember member = await archive.AddAsync(
            name, monitor.Limit(source), monitor.Begin($"reading {name}"), cancellationToken);

        (string, long?)[] snapshots = image.Base is { } dependency
            ? [(image.SnapshotName, image.ExternalId), (dependency.SnapshotName, dependency.SnapshotId)]
            : [(image.SnapshotName, image.ExternalId)];
        _ = await monitor.WaitAsync(
            cluster.EnsureSnapshotsExistAsync(image.Location, snapshots, cancellationToken));

        string format = image.Base is null ? "raw" : ManifestLayer.RbdDiffFormat;
        ManifestLayer layer = new(
            name, format, $"rbd:{image.Source.Image}", false, member.ContentXxh128, member.SizeBytes);
        disks.Add(new ManifestDisk(disk.Disk.Target, disk.Kind, source.ImageSizeBytes, [layer])
        {
            Image = new ManifestImage(
                image.Source.Image, image.Facts.Id, image.SnapshotName, image.Base?.Backup, image.Base?.SnapshotName,
                source.Changes)
            {
                SnapshotId = image.ExternalId,
            },
        });
    }

    private void Warn(BackupDisk disk, string? warning)
    {
        if (warning is not null)
        {
            warnings.Add($"disk {disk.Disk.Target}: {warning}");
            log.Warning("{Domain}: {Message}", job.Name, warnings[^1]);
        }
    }

    /// <summary>Ends the archive and writes its index beside it.</summary>
    /// <param name="describe">Creates the manifest of the complete archive.</param>
    public async Task<Manifest> CompleteAsync(
        Func<ManifestArchive, IReadOnlyList<ManifestDisk>, IReadOnlyList<ArchiveMember>, Manifest> describe,
        CancellationToken cancellationToken) =>
        describe(await archive.CompleteAsync(cancellationToken), disks, archive.Members);

    public ValueTask DisposeAsync() => archive.DisposeAsync();
}
