using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The right to change one domain's backups, held by one run on one host at a time.</summary>
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

    /// <summary>Excludes other runs of this host by a kernel lock, and runs of other hosts by a lease.</summary>
    /// <exception cref="StorageException">Another run holds it for longer: exit code 11.</exception>
    internal static async Task<DomainLock> AcquireAsync(
        string directoryPath, HostIdentity host, string subject, TimeSpan wait, TimeProvider time,
        CancellationToken cancellationToken)
    {
        KernelLock held = await LockWait.AcquireAsync(
            Path.Combine(directoryPath, BackupFiles.Lock), subject, wait, time, cancellationToken,
            open: TargetFile.OpenOrCreateInDomain);
        try
        {
            (TargetLease? lease, string? holder) =
                await TargetLease.AcquireAsync(directoryPath, host, wait, time, cancellationToken);
            return lease is not null ? new DomainLock(held, lease, directoryPath) : throw new StorageException(
                $"{subject} is in use by {holder ?? "another host"}, which shares the target (lease in "
                + $"'{directoryPath}', waited {wait.TotalSeconds:0} s). Wait until it ends, or wait longer with "
                + "--wait; the lease of a host that is down ends after three minutes.", ExitCode.AlreadyRunning);
        }
        catch (Exception failure)
        {
            held.Dispose();
            throw StorageException.IsExpected(failure)
                ? StorageException.From(failure, $"{subject} cannot be leased") : failure;
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
            // The target is not available: the lease expires by its age.
        }

        held.Dispose();
    }

    /// <exception cref="InvalidOperationException">It is another domain's lock, or was released.</exception>
    internal void Demand(string expectedPath)
    {
        if (!held.IsHeld || directoryPath != expectedPath)
        {
            throw new InvalidOperationException($"The lock of '{expectedPath}' is not held.");
        }
    }

    /// <exception cref="StorageException">This host was suspended for minutes, and another host has taken the
    /// lease.</exception>
    internal void DemandLease()
    {
        if (!lease.IsHeld)
        {
            throw new StorageException(
                $"Another host has taken the lease of '{directoryPath}' while this host was suspended; nothing was "
                    + "changed there.");
        }
    }
}
