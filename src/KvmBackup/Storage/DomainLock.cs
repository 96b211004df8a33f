using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The right to change one domain's backups: held by one run on one host at a time.</summary>
public sealed class DomainLock : IDisposable
{
    private readonly KernelLock held;
    private readonly TargetLease lease;
    private readonly string directoryPath;

    private DomainLock(KernelLock held, TargetLease lease, string directoryPath)
    {
        this.held = held;
        this.lease = lease;
        this.directoryPath = directoryPath;
    }

    /// <summary>Excludes the other runs of this host by a kernel lock, and those of other hosts by a lease.</summary>
    /// <exception cref="StorageException">Another holds it for longer: exit code 11.</exception>
    internal static async Task<DomainLock> AcquireAsync(
        string directoryPath, string what, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken)
    {
        KernelLock held = await LockWait.AcquireAsync(
            Path.Combine(directoryPath, BackupFiles.Lock), what, wait, time, cancellationToken, open: TargetFile.OpenOrCreateInDomain);
        try
        {
            (TargetLease? lease, string? holder) = await TargetLease.AcquireAsync(directoryPath, wait, time, cancellationToken);
            return lease is not null ? new DomainLock(held, lease, directoryPath) : throw new StorageException(
                $"{what} is in use by {holder ?? "another host"}, which shares the target (lease in '{directoryPath}', waited "
                + $"{wait.TotalSeconds:0} s). Let it finish, or wait longer with --wait; a dead host's lease ends after three "
                + "minutes.", ExitCode.AlreadyRunning);
        }
        catch (Exception failure)
        {
            held.Dispose();
            throw StorageException.IsExpected(failure) ? StorageException.From(failure, $"{what} cannot be leased") : failure;
        }
    }

    public void Dispose()
    {
        try
        {
            lease.Dispose();
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            // The target went away: the lease ends by its age.
        }

        held.Dispose();
    }

    /// <exception cref="InvalidOperationException">It is another domain's lock, or was given back.</exception>
    internal void Demand(string ofDirectory)
    {
        if (!held.IsHeld || directoryPath != ofDirectory)
        {
            throw new InvalidOperationException($"The lock of '{ofDirectory}' is not held.");
        }
    }

    /// <exception cref="StorageException">Another host has taken over, since this one stood still for minutes.</exception>
    internal void DemandLease()
    {
        if (!lease.IsHeld)
        {
            throw new StorageException(
                $"Another host has taken over '{directoryPath}' while this one stood still; nothing was changed there.");
        }
    }
}
