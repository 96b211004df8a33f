using KvmBackup.Ceph;
using KvmBackup.Guarding;
using KvmBackup.Journaling;
using Serilog;

namespace KvmBackup.Runs.Capture;

/// <summary>
/// The scope in which a guest or image is held: the intent is journalled before it, and the entry closed after it, unless
/// something is left that recovery must know of. The same for a backup and for what only looks.
/// </summary>
public sealed class CaptureScope(Journal journal, RbdClient cluster, FaultInjection gate, ILogger log)
{
    /// <param name="subject">What is held.</param>
    /// <param name="job">What was prepared.</param>
    /// <param name="id">The backup, or the instant of what only looks.</param>
    /// <param name="directoryPath">See <see cref="IBackupSubject{TJob}.Intent"/>.</param>
    /// <param name="record">Told what is left.</param>
    /// <param name="use">Reads it. Snapshots that it does not keep are removed after it.</param>
    /// <param name="cancellationToken">Ends the beginning.</param>
    public async Task<TResult> UseAsync<TJob, TResult>(
        IBackupSubject<TJob> subject, TJob job, BackupId id, string directoryPath, JobReportBuilder record,
        Func<ICapture, RbdCapture, Task<TResult>> use, CancellationToken cancellationToken)
        where TJob : BackupJob
    {
        DescriptorBudget.Ensure(job.Disks.Sum(disk => Math.Max(1, disk.Layers.Count)));
        OpenEntry entry = await journal.OpenAsync(subject.Intent(job, id, directoryPath), cancellationToken);
        gate.Pass(job.Name, JobStep.Intent);
        RbdCapture images = new(job, cluster, journal.PendingDeletions, log);
        ICapture source = subject.Hold(job, id, entry, images);
        try
        {
            return await use(source, images);
        }
        finally
        {
            // A guest that still needs something keeps its entry: recovery goes on from it.
            await images.DisposeAsync();
            record.Warn(images.Left);
            record.Warn(source.Notes);
            record.RequireManualAction(await source.FindTroublesAsync());
            if (source.IsClean)
            {
                await entry.CloseAsync(CancellationToken.None);
                gate.Pass(job.Name, JobStep.Closed);
            }
        }
    }
}
