using KvmBackup.Hypervisor;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Transfer;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// The capture of a domain: at a snapshot while it runs, guarded against changes while it is shut off or sleeps.
/// </summary>
public sealed class GuestCapture(
    DomainJob job, PinnedDomain pin, RbdCapture images, LibvirtHost host, TimeProvider time, ILogger log) : ICapture
{
    // The freeze check is repeated after this time. Otherwise a guest that another program has frozen in the meantime
    // would be thawed, since our freeze fails.
    private static readonly TimeSpan LongestAge = TimeSpan.FromSeconds(2);

    private readonly PauseCheck pauses = new(host, log);
    private long? preparedAt;

    public bool IsClean => pin.IsGuestClean;

    public IReadOnlyList<string> Notes => pin.Notes;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        if (job.Facts.TakesSnapshots)
        {
            preparedAt = time.GetTimestamp();
            await pin.PrepareAsync(cancellationToken);
        }
        else if (job.Facts.IsActive && job.Quiesce == QuiesceMode.Require)
        {
            throw new RunsException($"{StateClause}, so it cannot be frozen (quiesce: require)");
        }
    }

    public Task<PinOutcome> ReadAsync(
        IDiskConsumer consumer, TransferMonitor monitor, CancellationToken cancellationToken) =>
        job.Facts.TakesSnapshots
            ? ReadPinnedAsync(consumer, monitor, cancellationToken)
            : ReadOfflineAsync(consumer, monitor, cancellationToken);

    public async Task<IReadOnlyList<string>> FindProblemsAsync() =>
        [.. pin.Problems, .. job.Facts.IsActive ? await pauses.FindAsync(job) : []];

    private string StateClause =>
        job.Facts.State == DomainState.Suspended ? "the guest sleeps (pmsuspended)" : "the guest has crashed";

    private async Task<PinOutcome> ReadPinnedAsync(
        IDiskConsumer consumer, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        await using (pin)
        {
            if (preparedAt is not { } checkedAt || time.GetElapsedTime(checkedAt) > LongestAge)
            {
                await pin.PrepareAsync(cancellationToken);
            }

            await pin.PinAsync(cancellationToken);
            await using ReadWatchdog guard = new(
                job.Overlays, monitor, job.Settings.StallTimeout, () => pauses.IsPausedAsync(job), time,
                cancellationToken);
            InactiveDisks idle = new(job, host);
            foreach (BackupDisk disk in job.Disks)
            {
                await guard.ProtectAsync(token => consumer.ReadAsync(disk, monitor, token));
                await pin.ReleaseAsync(disk.Disk.Target);
            }

            await idle.EnsureUnchangedAsync(cancellationToken);
        }

        return pin.Outcome with { OverlayBytes = job.Overlays.Count == 0 ? null : pin.OverlayBytes };
    }

    private async Task<PinOutcome> ReadOfflineAsync(
        IDiskConsumer consumer, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        OfflineGuard offline = new(job, host);
        await images.CreateAsync(OverlaySnapshot.Limit);
        await using ReadWatchdog guard = new(
            [], monitor, job.Settings.StallTimeout, () => Task.FromResult(false), time, cancellationToken);
        foreach (BackupDisk disk in job.Disks)
        {
            await guard.ProtectAsync(token => consumer.ReadAsync(disk, monitor, token));
        }

        await offline.EnsureUnchangedAsync(cancellationToken);
        return job.Facts.IsSaved
            ? new PinOutcome(Consistency.Crash, "the guest's memory is saved on the host (virsh managedsave)", null)
            : job.Facts.IsActive ? new PinOutcome(Consistency.Crash, StateClause, null)
            : new PinOutcome(Consistency.Offline, null, null);
    }
}
