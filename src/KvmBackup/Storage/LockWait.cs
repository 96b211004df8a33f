using KvmBackup.Persisting;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Storage;

/// <summary>Waits for a lock, and when that was in vain says who has it.</summary>
internal static class LockWait
{
    /// <param name="filePath">The file.</param>
    /// <param name="what">What is locked, as the beginning of a message.</param>
    /// <param name="wait">How long others may hold it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="purpose">What for, told to those who wait.</param>
    /// <param name="open">Opens or makes the file without cutting it; null for a file of this host.</param>
    public static async Task<KernelLock> AcquireAsync(
        string filePath, string what, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken, string? purpose = null,
        Func<string, SafeFileHandle>? open = null)
    {
        try
        {
            return await KernelLock.AcquireAsync(filePath, wait, time, cancellationToken, purpose, open)
                ?? throw new StorageException(
                    $"{what} is in use by {KernelLock.ReadHolder(filePath, open)} (lock '{filePath}', waited"
                    + $" {wait.TotalSeconds:0} s). Let it finish, or wait longer with --wait.",
                    ExitCode.AlreadyRunning);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"{what} cannot be locked");
        }
    }
}
