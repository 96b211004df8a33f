using KvmBackup.Configuration;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Retention;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Backup;

/// <summary>
/// What follows a published backup: removes the snapshots and backups that it makes unnecessary, and merges increments.
/// </summary>
public sealed class BackupCleanup(
    ImageTrimmer trimmer, RetentionRunner retention, Merger merger, FaultInjection faults,
    ProcessPriorityScope priority)
{
    /// <param name="job">What was backed up.</param>
    /// <param name="completed">The published backup: the proof that older ones may go.</param>
    /// <param name="directory">The backups of the same domain or image.</param>
    /// <param name="held">The lock of that directory.</param>
    /// <param name="report">Gets what was removed and merged.</param>
    /// <exception cref="KvmBackupException">Something could not be removed; the published backup is not
    /// affected.</exception>
    public async Task RunAsync(
        BackupJob job, CompletedBackup completed, DomainDirectory directory, DomainLock held, JobReportBuilder report,
        CancellationToken cancellationToken)
    {
        BackupSettings settings = job.Terms;
        IReadOnlyList<CompletedBackup> backups = directory.List().Backups;
        if (job.Images.Count > 0)
        {
            report.Warn(await trimmer.TrimAsync(job, completed, backups));
            faults.Pass(job.Name, JobStep.Trimmed);
        }

        // Older backups may be required to repair the guest.
        if (!report.IsGuestClean)
        {
            return;
        }

        report.Removed(await TargetTimeout.FinishAsync(
            "removing old backups",
            _ => Task.FromResult(retention.Retain(directory, backups, settings.Retention, completed, held)),
            settings.StallTimeout, Path.GetDirectoryName(completed.DirectoryPath)!, CancellationToken.None));
        using IDisposable? lowered = priority.Begin(settings.Limits);
        MergeResult merges = await merger.MergeAsync(directory, settings, completed, held, cancellationToken);
        report.Merged(merges.Merged);
        report.Removed(merges.Removed);
        faults.Pass(job.Name, JobStep.Retained);
    }
}
