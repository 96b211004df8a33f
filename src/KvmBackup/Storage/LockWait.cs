using KvmBackup.Persisting;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Storage;

/// <summary>Waits for a lock, and reports its holder when the wait fails.</summary>
internal static class LockWait
{
    /// <param name="filePath">The lock file.</param>
    /// <param name="subject">The locked subject, as the beginning of a message.</param>
    /// <param name="wait">The longest wait.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="purpose">The purpose of the lock, shown to others who wait.</param>
    /// <param name="open">Opens or creates the file without truncating it; null for a file of this host.</param>
    public static async Task<KernelLock> AcquireAsync(
        string filePath, string subject, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken,
        string? purpose = null, Func<string, SafeFileHandle>? open = null)
    {
        try
        {
            return await KernelLock.AcquireAsync(filePath, wait, time, cancellationToken, purpose, open)
                ?? throw new StorageException(
                    $"{subject} is in use by {KernelLock.ReadHolder(filePath, open)} (lock '{filePath}', waited"
                    + $" {wait.TotalSeconds:0} s). Wait until it ends, or wait longer with --wait.",
                    ExitCode.AlreadyRunning);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"{subject} cannot be locked");
        }
    }
}
