using KvmBackup.Model;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>A block device that a restore writes. Its old content is gone with the first byte, which the operator was
/// asked about; what the backup holds as holes is written as zeros.</summary>
public sealed class RestoredDevice : IRestoredDisk
{
    private const int ZeroRunBytes = 1 << 20;
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
                WriteZeros(handle, position, extent.OffsetBytes);
                position = extent.EndBytes;
            }

            return new RestoredDevice(devicePath, handle);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException($"Cannot write {devicePath}: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    public ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        DiskWrite.WriteAsync(handle, WorkingPath, offsetBytes, data, cancellationToken);

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

    private static void WriteZeros(SafeFileHandle handle, long from, long to)
    {
        byte[] zeros = new byte[(int)Math.Clamp(to - from, 0, ZeroRunBytes)];
        for (long position = from; position < to; position += zeros.Length)
        {
            RandomAccess.Write(handle, zeros.AsSpan(0, (int)Math.Min(zeros.Length, to - position)), position);
        }
    }
}
