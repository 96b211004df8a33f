using KvmBackup.Model;
using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>Waits for a lock, and when that was in vain says who has it.</summary>
internal static class LockWait
{
    /// <param name="what">What is locked, as the beginning of a message.</param>
    public static async Task<KernelLock> AcquireAsync(
        string filePath, string what, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            return await KernelLock.AcquireAsync(filePath, wait, time, cancellationToken)
                ?? throw new StorageException(
                    $"{what} is in use by {KernelLock.ReadHolder(filePath)} (lock '{filePath}', waited"
                    + $" {wait.TotalSeconds:0} s). Let it finish, or wait longer with --wait.",
                    ExitCode.AlreadyRunning);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"{what} cannot be locked");
        }
    }
}
