using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>A block device that a restore writes. Its old content is gone with the first byte, which the operator was
/// asked about; what the backup holds as holes is written as zeros.</summary>
public sealed class RestoredDevice : IRestoredDisk
{
    // A run of zeros costs a request of its own, so only one that a thin volume could give back.
    private const int BlockBytes = 64 * 1024;

    private readonly SafeFileHandle handle;

    private RestoredDevice(string devicePath, SafeFileHandle handle)
    {
        WorkingPath = devicePath;
        this.handle = handle;
    }

    public string WorkingPath { get; }

    /// <param name="devicePath">The device.</param>
    /// <param name="sizeBytes">What it must hold.</param>
    /// <param name="extents">What will be written; all else is zeroed here.</param>
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
            throw new DisksException($"Cannot finish {WorkingPath}: {failure.Message}", ExitCode.Failed, failure);
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
            // The device may take its time: not on the caller's thread.
            await Task.Run(() => DeviceZeros.Put(handle, run.OffsetBytes, run.OffsetBytes + run.Content.Length), CancellationToken.None);
        }
        catch (IOException failure)
        {
            throw new DisksException(
                $"Writing {WorkingPath} at byte {run.OffsetBytes} failed: {failure.Message}", ExitCode.Failed, failure);
        }
    }
}
