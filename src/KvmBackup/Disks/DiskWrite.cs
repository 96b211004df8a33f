using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>Writes to a restored disk; failures name the path and the offset.</summary>
internal static class DiskWrite
{
    /// <exception cref="DisksException">The write failed.</exception>
    public static async ValueTask WriteAsync(
        SafeFileHandle handle, string path, long offsetBytes, ReadOnlyMemory<byte> data,
        CancellationToken cancellationToken)
    {
        try
        {
            await RandomAccess.WriteAsync(handle, data, offsetBytes, cancellationToken);
        }
        catch (IOException failure)
        {
            throw new DisksException(
                $"Writing {path} at byte {offsetBytes} failed: {failure.Message}", ExitCode.Failed, failure);
        }
    }
}
