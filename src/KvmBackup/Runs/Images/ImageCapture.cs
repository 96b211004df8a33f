using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Transfer;

namespace KvmBackup.Runs.Images;

/// <summary>An image without a guest while it is read, at a snapshot of our own or of somebody else.</summary>
public sealed class ImageCapture(ImageJob job, OpenEntry journal, RbdCapture images, FaultInjection gate, TimeProvider time) : ICapture
{
    // What cannot be removed is told with its command, and waits for nobody.
    public bool IsClean => true;

    public IReadOnlyList<string> Notes => [];

    public Task PrepareAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<PinOutcome> ReadAsync(IDiskConsumer consumer, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        await images.CreateAsync(OverlaySnapshot.Limit);
        gate.Pass(job.Name, JobStep.Snapshotted);
        await journal.RecordAsync(entry => entry with { Step = JobStep.Pinned }, CancellationToken.None);
        gate.Pass(job.Name, JobStep.Pinned);
        await using ReadWatchdog guard = new(
            [], monitor, job.Selection.StallTimeout, () => Task.FromResult(false), time, cancellationToken);
        await guard.ProtectAsync(token => consumer.TakeAsync(job.Disk, monitor, token));
        gate.Pass(job.Name, JobStep.Read, ImageIdentity.Disk);
        string reason = job.Image.ExternalId is null
            ? "there is no guest to freeze" : $"it was read from the snapshot {job.Image.SnapshotName}, which another program had made";
        return new PinOutcome(Consistency.Crash, reason, null);
    }

    public Task<IReadOnlyList<string>> FindTroublesAsync() => Task.FromResult<IReadOnlyList<string>>([]);
}
