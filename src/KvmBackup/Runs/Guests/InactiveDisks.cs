using KvmBackup.Hypervisor;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// Verifies that the disks which only the definition for the next start has did not change while they were read: no
/// snapshot protects them.
/// </summary>
public sealed class InactiveDisks
{
    private readonly DomainJob job;
    private readonly LibvirtHost host;
    private readonly BackupDisk[] disks;
    private readonly IReadOnlyList<(string Path, DateTime WrittenAt, long Length)> before;

    public InactiveDisks(DomainJob job, LibvirtHost host)
    {
        this.job = job;
        this.host = host;
        disks = [.. job.Disks.Where(disk => disk.IsIdle)];
        before = OfflineGuard.Measure(disks);
    }

    /// <exception cref="RunsException">A disk was attached or written to.</exception>
    public async Task EnsureUnchangedAsync(CancellationToken cancellationToken)
    {
        if (disks.Length == 0)
        {
            return;
        }

        IReadOnlyDictionary<DiskTarget, DiskState> live =
            await host.DiskStatesAsync(job.Facts.Identity, isInactive: false, cancellationToken);
        bool isAttached = await host.StateAsync(job.Facts.Identity, cancellationToken) != DomainState.ShutOff
            && disks.Any(disk => live.Values.Any(state => state.SourcePath == disk.Disk.SourcePath));
        if (isAttached || !before.SequenceEqual(OfflineGuard.Measure(disks)))
        {
            throw new RunsException(
                $"disk {string.Join(", ", disks.Select(disk => disk.Disk.Target))} is only in the definition for the "
                    + "next start, but was attached or written to while it was read, so the copy is not consistent; "
                    + "run this again");
        }
    }
}
