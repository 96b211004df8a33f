using System.Text;
using KvmBackup.Persisting;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Storage;

/// <summary>
/// The right of one host to write a domain's backups, among hosts that share the target. A kernel lock may not work
/// across
/// a network file system, so a file names the writer, who renews it regularly. Its age is measured by the target's
/// clock,
/// never by comparing the clocks of hosts. A lease later than that clock has no age (the clock was wrong): it expires
/// after
/// three renewal intervals without a change, by this host's monotonic clock.
/// </summary>
internal sealed class TargetLease : IDisposable
{
    private const int LargestBytes = 1000;
    private static readonly TimeSpan RenewInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StaleAfter = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan ObservationTime = 3 * RenewInterval;
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private const string MachineWord = "host ";

    private readonly string filePath;
    private readonly byte[] content;
    private readonly ITimer renewal;

    private TargetLease(string filePath, byte[] content, TimeProvider time)
    {
        this.filePath = filePath;
        this.content = content;
        renewal = time.CreateTimer(_ => Renew(), null, RenewInterval, RenewInterval);
    }

    /// <summary>
    /// Acquires the lease. The caller holds the kernel lock, so a lease of this kernel is of a dead run; so is a lease
    /// of an earlier boot of this host.
    /// </summary>
    /// <param name="directoryPath">The domain's folder.</param>
    /// <param name="host">The host that acquires it.</param>
    /// <param name="wait">The longest wait for another host.</param>
    /// <param name="time">The clock for the wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The lease; or null with the holder, when another host held it for the whole time.</returns>
    public static async Task<(TargetLease? Lease, string? Holder)> AcquireAsync(
        string directoryPath, HostIdentity host, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken)
    {
        string filePath = Path.Combine(directoryPath, BackupFiles.Lease);
        byte[] content = Encoding.UTF8.GetBytes(
            $"{host.BootId} {Guid.NewGuid():N}\nprocess {Environment.ProcessId} on {Environment.MachineName}\n"
            + (host.Machine is null ? string.Empty : $"{MachineWord}{host.Machine}\n"));
        long start = time.GetTimestamp();
        (string Content, DateTime WrittenAt) observed = default;
        long observedSince = start;
        while (true)
        {
            if (TryCreate(filePath, content))
            {
                return (new TargetLease(filePath, content, time), null);
            }

            string held = Read(filePath);
            DateTime writtenAt = File.GetLastWriteTimeUtc(filePath);
            if (observed != (held, writtenAt))
            {
                observed = (held, writtenAt);
                observedSince = time.GetTimestamp();
            }

            TimeSpan age = AgeOf(filePath);
            bool isInFuture = age < -StaleAfter;
            if (IsOfDeadRun(held, host) || age > StaleAfter
                || (isInFuture && time.GetElapsedTime(observedSince) >= ObservationTime))
            {
                RemoveStale(filePath);
                continue;
            }

            // A live holder of a lease in the future soon renews it, which gives it a valid age.
            if (!isInFuture && time.GetElapsedTime(start) >= wait)
            {
                return (null, held.Split('\n').ElementAtOrDefault(1));
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }
    }

    /// <summary>Whether the lease is still ours: a host that was suspended for minutes may have lost it.</summary>
    public bool IsHeld => Read(filePath) == Encoding.UTF8.GetString(content);

    public void Dispose()
    {
        renewal.Dispose();
        if (IsHeld)
        {
            using TargetFolder folder = FolderOf(filePath);
            folder.Remove(Path.GetFileName(filePath));
        }
    }

    // A lease of an earlier version has no third line: its host is not certain, so its age decides.
    private static bool IsOfDeadRun(string lease, HostIdentity host) =>
        lease.StartsWith(host.BootId + " ", StringComparison.Ordinal)
        || (host.Machine is not null
            && lease.Split('\n') is [_, _, string machine, ""] && machine == MachineWord + host.Machine);

    private static bool TryCreate(string filePath, byte[] content)
    {
        try
        {
            using TargetFolder folder = FolderOf(filePath);
            folder.WriteNew(Path.GetFileName(filePath), content);
            return true;
        }
        catch (IOException failure) when (failure is not RefusedPathException && Find(filePath) is not null)
        {
            return false;
        }
    }

    private static string Read(string filePath)
    {
        try
        {
            using TargetFolder folder = FolderOf(filePath);
            using SafeFileHandle file = folder.OpenToRead(Path.GetFileName(filePath));
            byte[] bytes = new byte[LargestBytes];
            return Encoding.UTF8.GetString(bytes, 0, RandomAccess.Read(file, bytes, fileOffset: 0));
        }
        catch (FileNotFoundException)
        {
            return string.Empty;
        }
    }

    private static TimeSpan AgeOf(string filePath)
    {
        using TargetFolder folder = FolderOf(filePath);
        string probe = $"{Path.GetFileName(filePath)}.{Guid.NewGuid():N}";
        folder.WriteNew(probe, []);
        try
        {
            return folder.Find(Path.GetFileName(filePath)) is { } lease && folder.Find(probe) is { } now
                ? now.ModifiedAt - lease.ModifiedAt : TimeSpan.Zero;
        }
        finally
        {
            folder.Remove(probe);
        }
    }

    private static TargetFolder FolderOf(string filePath) =>
        TargetFolder.OpenDomain(Path.GetDirectoryName(filePath)!);

    private static FileStatus? Find(string filePath)
    {
        using TargetFolder folder = FolderOf(filePath);
        return folder.Find(Path.GetFileName(filePath));
    }

    // By rename, which only one of two hosts can win; the other finds the winner's lease.
    private static void RemoveStale(string filePath)
    {
        string temporary = $"{Path.GetFileName(filePath)}.{Guid.NewGuid():N}";
        try
        {
            using TargetFolder folder = FolderOf(filePath);
            folder.Rename(Path.GetFileName(filePath), temporary);
            folder.Remove(temporary);
        }
        catch (FileNotFoundException)
        {
            // Another host was first, or the holder ended.
        }
    }

    private void Renew()
    {
        try
        {
            if (IsHeld)
            {
                using TargetFolder folder = FolderOf(filePath);
                using SafeFileHandle file = folder.OpenToWrite(Path.GetFileName(filePath));
                RandomAccess.Write(file, content, fileOffset: 0);
                DurableFile.Flush(file, filePath);
            }
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            // The target is not available now. If that lasts, the lease is lost, which is checked before publishing.
        }
    }
}
