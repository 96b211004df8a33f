using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Transfer;

namespace KvmBackup.Runs.Images;

/// <summary>The capture of an image without a guest, at our own snapshot or one of another program.</summary>
public sealed class ImageCapture(
    ImageJob job, OpenEntry journal, RbdCapture images, FaultInjection faults, TimeProvider time) : ICapture
{
    // A snapshot that cannot be removed is reported, and affects no guest.
    public bool IsClean => true;

    public IReadOnlyList<string> Notes => [];

    public Task PrepareAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<PinOutcome> ReadAsync(
        IDiskConsumer consumer, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        await images.CreateAsync(OverlaySnapshot.Limit);
        faults.Pass(job.Name, JobStep.Snapshotted);
        await journal.RecordAsync(entry => entry with { Step = JobStep.Pinned }, CancellationToken.None);
        faults.Pass(job.Name, JobStep.Pinned);
        await using ReadWatchdog guard = new(
            [], monitor, job.Selection.StallTimeout, () => Task.FromResult(false), time, cancellationToken);
        await guard.ProtectAsync(token => consumer.ReadAsync(job.Disk, monitor, token));
        faults.Pass(job.Name, JobStep.Read, ImageIdentity.Disk);
        string reason = job.Image.ExternalId is null
            ? "there is no guest to freeze"
            : $"it was read from the snapshot {job.Image.SnapshotName} of another program";
        return new PinOutcome(Consistency.Crash, reason, null);
    }

    public Task<IReadOnlyList<string>> FindProblemsAsync() => Task.FromResult<IReadOnlyList<string>>([]);
}
