using KvmBackup.Ceph;
using KvmBackup.Disks;
using KvmBackup.Runs.Transfer;

namespace KvmBackup.Runs.Capture;

/// <summary>The files of one disk that is held, or its image at the snapshot; each can be read as often as is needed.</summary>
internal sealed class CapturedContent(BackupDisk disk, RbdClient cluster, TransferMonitor monitor)
{
    /// <summary>What the bytes of each mean, the guest's own first.</summary>
    public IReadOnlyList<string> Formats => disk.Image is null ? [.. disk.Layers.Select(layer => layer.Format)] : ["raw"];

    /// <summary>What an operator must know of the image; null for nothing.</summary>
    public string? Warning { get; private set; }

    /// <param name="depth">0 is the guest's own.</param>
    /// <param name="use">Reads it once, ascending.</param>
    /// <param name="cancellationToken">Ends the asking.</param>
    /// <exception cref="KvmBackupException">It cannot be read, or was not held to the end.</exception>
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

        // One that was removed meanwhile was read as zeros.
        _ = await monitor.WaitAsync(cluster.EnsureSnapshotsExistAsync(
            image.Location, [(image.SnapshotName, image.ExternalId)], cancellationToken));
        return result;
    }
}
