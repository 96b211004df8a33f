using KvmBackup.Ceph;
using KvmBackup.Disks;
using KvmBackup.Runs.Transfer;

namespace KvmBackup.Runs.Capture;

/// <summary>The files of one captured disk, or its image at the snapshot. Each can be read several times.</summary>
internal sealed class CapturedContent(BackupDisk disk, RbdClient cluster, TransferMonitor monitor)
{
    /// <summary>The format of each, the guest's own first.</summary>
    public IReadOnlyList<string> Formats =>
        disk.Image is null ? [.. disk.Layers.Select(layer => layer.Format)] : ["raw"];

    /// <summary>A fault of the image, for the report; null for none.</summary>
    public string? Warning { get; private set; }

    /// <param name="depth">0 is the guest's own.</param>
    /// <param name="use">Reads the file once, in ascending order.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="KvmBackupException">It cannot be read, or the snapshot was removed during the read.</exception>
    public async Task<TResult> ReadAsync<TResult>(
        int depth, Func<IExtentSource, Task<TResult>> use, CancellationToken cancellationToken)
    {
        if (disk.Image is { } image)
        {
            return await ReadAsync(image, use, cancellationToken);
        }

        using FileExtentSource source = FileExtentSource.Open(disk.Layers[depth].FilePath);
        return await use(monitor.Limit(source));
    }

    private async Task<TResult> ReadAsync<TResult>(
        BackupImage image, Func<IExtentSource, Task<TResult>> use, CancellationToken cancellationToken)
    {
        await using RbdImageSource source = await monitor.WaitAsync(
            RbdImageSource.OpenAsync(cluster, image.Location, image.SnapshotName, cancellationToken));
        Warning = source.Warning;
        TResult result;
        using (monitor.Watch(() => source.IsWaiting))
        {
            result = await use(monitor.Limit(source));
        }

        // A snapshot that was removed during the read was read as zeros.
        _ = await monitor.WaitAsync(cluster.EnsureSnapshotsExistAsync(
            image.Location, [(image.SnapshotName, image.ExternalId)], cancellationToken));
        return result;
    }
}
