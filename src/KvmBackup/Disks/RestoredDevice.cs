using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>A block device that a restore writes. Its old content is overwritten at once, as the operator confirmed;
/// holes of the backup are zeroed.</summary>
public sealed class RestoredDevice : IRestoredDisk
{
    // Each run of zeros is a separate request: smaller ones than a thin volume can free are not worth it.
    private const int BlockBytes = 64 * 1024;

    private readonly SafeFileHandle handle;

    private RestoredDevice(string devicePath, SafeFileHandle handle)
    {
        WorkingPath = devicePath;
        this.handle = handle;
    }

    public string WorkingPath { get; }

    /// <param name="devicePath">The device.</param>
    /// <param name="sizeBytes">The size of the disk.</param>
    /// <param name="extents">The extents that will be written; the rest is zeroed here.</param>
    /// <exception cref="DisksException">It is too small, or cannot be written.</exception>
    public static RestoredDevice Open(string devicePath, long sizeBytes, IReadOnlyList<Extent> extents)
    {
        try
        {
            SafeFileHandle handle = File.OpenHandle(devicePath, FileMode.Open, FileAccess.ReadWrite);
            long deviceBytes = LocalFile.Size(handle, devicePath);
            if (deviceBytes < sizeBytes)
            {
                handle.Dispose();
                throw new DisksException(
                    $"{devicePath} has {deviceBytes} bytes and the backup's disk {sizeBytes}: make it larger.");
            }

            long position = 0;
            foreach (Extent extent in extents.Append(new Extent(sizeBytes, 0)))
            {
                DeviceZeros.Put(handle, position, extent.OffsetBytes);
                position = extent.EndBytes;
            }

            return new RestoredDevice(devicePath, handle);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException($"Cannot write {devicePath}: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    public async ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        foreach (DataRun run in DataRun.Within(offsetBytes, data, BlockBytes))
        {
            await (run.IsData
                ? DiskWrite.WriteAsync(handle, WorkingPath, run.OffsetBytes, run.Content, cancellationToken)
                : ZeroAsync(run));
        }
    }

    public void Commit(bool replace)
    {
        try
        {
            RandomAccess.FlushToDisk(handle);
        }
        catch (IOException failure)
        {
            throw new DisksException($"Cannot flush {WorkingPath}: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    public ValueTask DisposeAsync()
    {
        handle.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask ZeroAsync(DataRun run)
    {
        try
        {
            // Not on the caller's thread, because the device may be slow.
            long end = run.OffsetBytes + run.Content.Length;
            await Task.Run(() => DeviceZeros.Put(handle, run.OffsetBytes, end), CancellationToken.None);
        }
        catch (IOException failure)
        {
            throw new DisksException(
                $"Writing {WorkingPath} at byte {run.OffsetBytes} failed: {failure.Message}", ExitCode.Failed, failure);
        }
    }
}
