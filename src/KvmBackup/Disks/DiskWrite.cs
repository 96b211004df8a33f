using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>One write of a restore, with its failure told by path and place.</summary>
internal static class DiskWrite
{
    /// <exception cref="DisksException">The disk refuses.</exception>
    public static async ValueTask WriteAsync(
        SafeFileHandle handle, string path, long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
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
