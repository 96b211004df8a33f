using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>A file or block device that does not change, read without its holes.</summary>
public sealed class FileExtentSource : IExtentSource, IDisposable
{
    private const long SmallestHoleBytes = 32 * 1024;

    private readonly SafeFileHandle handle;
    private readonly string filePath;

    private FileExtentSource(SafeFileHandle handle, string filePath)
    {
        this.handle = handle;
        this.filePath = filePath;
        SizeBytes = LocalFile.Size(handle, filePath);
        Extents = LocalFile.FindExtents(handle, filePath, SmallestHoleBytes);
    }

    public long SizeBytes { get; }

    public IReadOnlyList<Extent> Extents { get; }

    /// <summary>Bytes that will be read.</summary>
    public long DataBytes => Extents.Sum(extent => extent.LengthBytes);

    /// <exception cref="DisksException">It cannot be opened.</exception>
    public static FileExtentSource Open(string filePath)
    {
        try
        {
            // The guest or a clone may have it open: with these share flags .NET takes no lock.
            const FileShare share = FileShare.ReadWrite | FileShare.Delete;
            return new FileExtentSource(
                File.OpenHandle(filePath, FileMode.Open, FileAccess.Read, share, FileOptions.SequentialScan), filePath);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException($"Cannot read {filePath}: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    public async ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            while (buffer.Length > 0)
            {
                int count = await RandomAccess.ReadAsync(handle, buffer, offsetBytes, cancellationToken);
                if (count == 0)
                {
                    throw new DisksException($"{filePath} was truncated while it was read, at byte {offsetBytes}.");
                }

                offsetBytes += count;
                buffer = buffer[count..];
            }
        }
        catch (IOException failure)
        {
            throw new DisksException(
                $"Reading {filePath} at byte {offsetBytes} failed: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    public void Dispose() => handle.Dispose();
}
