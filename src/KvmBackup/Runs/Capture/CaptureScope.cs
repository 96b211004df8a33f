using KvmBackup.Ceph;
using KvmBackup.Guarding;
using KvmBackup.Journaling;
using Serilog;

namespace KvmBackup.Runs.Capture;

/// <summary>Begins captures: writes the intent to the journal before anything changes.</summary>
public sealed class CaptureScopes(Journal journal, RbdClient cluster, FaultInjection faults, ILogger log)
{
    /// <param name="plan">What is captured.</param>
    /// <param name="directoryPath">See <see cref="CapturePlan.Intent"/>.</param>
    /// <param name="report">Gets what is left at the end of the scope.</param>
    /// <exception cref="KvmBackupException">The journal cannot be written; nothing was changed.</exception>
    public async Task<CaptureScope> BeginAsync(
        CapturePlan plan, string directoryPath, JobReportBuilder report, CancellationToken cancellationToken)
    {
        BackupJob job = plan.Job;
        DescriptorBudget.Ensure(job.Disks.Sum(disk => Math.Max(1, disk.Layers.Count)));
        OpenEntry entry = await journal.OpenAsync(plan.Intent(directoryPath), cancellationToken);
        faults.Pass(job.Name, JobStep.Intent);
        RbdCapture images = new(job, cluster, journal.PendingDeletions, log);
        return new CaptureScope(
            plan.Begin(entry, images), images, entry, report, () => faults.Pass(job.Name, JobStep.Closed));
    }
}

/// <summary>
/// The scope in which a guest or image is captured. At its end snapshots of images that no backup keeps are removed,
/// and the journal's entry is closed unless recovery still requires it.
/// </summary>
public sealed class CaptureScope : IAsyncDisposable
{
    private readonly OpenEntry entry;
    private readonly JobReportBuilder report;
    private readonly Action closed;

    internal CaptureScope(
        ICapture source, RbdCapture images, OpenEntry entry, JobReportBuilder report, Action closed)
    {
        Source = source;
        Images = images;
        this.entry = entry;
        this.report = report;
        this.closed = closed;
    }

    /// <summary>The captured guest or image.</summary>
    public ICapture Source { get; }

    /// <summary>Its snapshots in Ceph clusters.</summary>
    public RbdCapture Images { get; }

    public async ValueTask DisposeAsync()
    {
        await Images.DisposeAsync();
        report.Warn(Images.Left);
        report.Warn(Source.Notes);
        report.RequireManualAction(await Source.FindProblemsAsync());
        if (Source.IsClean)
        {
            await entry.CloseAsync(CancellationToken.None);
            closed();
        }
    }
}
