using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Guarding;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Compare;

/// <summary>
/// The comparison of one backup with its source: the backup sequence up to the release, without anything that is
/// published.
/// </summary>
public sealed class CompareWorkflow(
    CaptureScopes captures, RbdClient cluster, ProcessPriorityScope priority, TimeProvider time, ILogger log)
{
    /// <param name="subject">The source.</param>
    /// <param name="backup">The backup, opened for reading.</param>
    /// <param name="existing">The backups of the same domain or image.</param>
    /// <param name="watcher">Recovers the guest when this run is killed; null for none.</param>
    /// <param name="progress">Gets the progress of the read.</param>
    /// <exception cref="KvmBackupException">The source cannot be captured or read; it was released.</exception>
    public async Task<CompareReport> RunAsync(
        IBackupSubject subject, ComparedBackup backup, BackupCatalogue existing, RecoveryWatcher? watcher,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        JobReportBuilder report = new(subject.Name, "compared", time);
        log.Information("{Domain}: comparing it with {Id}", subject.Name, backup.Backup.Id);
        CapturePlan plan = await subject.PrepareAsync(existing, new BackupId(time.GetUtcNow()), cancellationToken);
        BackupJob job = plan.Job;
        await (watcher?.WaitUntilReadyAsync(cancellationToken) ?? Task.CompletedTask);
        Comparison comparison = new(job.Name, backup, cluster, log);
        PinOutcome outcome;
        try
        {
            outcome = await ReadAsync(plan, comparison, existing.DirectoryPath, report, progress, cancellationToken);
        }
        catch (Exception failure) when (report.Problems.Count > 0)
        {
            // What has to be done for the guest matters more than why it was not compared.
            throw new RunsException(
                string.Join(
                    "\n", report.Problems.Append($"{job.Name} was not compared: {Failure.Describe(failure)}")),
                ExitCode.ManualActionRequired, failure);
        }

        return new CompareReport(
            backup.Backup.Domain, backup.Backup.Id, job.Name, outcome.Consistency,
            [.. comparison.Files, .. FindMissing(job, backup), .. FindNew(job, backup)], RecoveryReport.Nothing,
            [.. DescribeOther(job, backup.Backup.Manifest), .. report.Warnings, .. comparison.Warnings],
            report.Problems, report.Elapsed);
    }

    private async Task<PinOutcome> ReadAsync(
        CapturePlan plan, Comparison comparison, string directoryPath, JobReportBuilder report,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        BackupJob job = plan.Job;
        ResourceLimits limits = job.Terms.Limits;
        TransferMonitor monitor = new(job.Name, job.DataBytes, progress)
        {
            RateLimiter = RateLimiter.Of(limits, time),
            Stall = "neither the source nor the archive of the backup gave data",
        };

        // Recovery keeps the snapshots of published backups only; nothing is ever published as the folder of all
        // backups.
        await using CaptureScope scope = await captures.BeginAsync(
            plan, directoryPath, report, cancellationToken);
        return await scope.Source.ReadAsync(priority.Of(comparison, limits), monitor, cancellationToken);
    }

    private static IEnumerable<FileComparison> FindMissing(BackupJob job, ComparedBackup backup) =>
        from disk in backup.Files
        where job.Disks.All(selected => selected.Disk.Target != disk.Key)
        let reason = job.Skipped.FirstOrDefault(skipped => skipped.Target == disk.Key)?.Reason
        select new FileComparison(
            disk.Key, disk.Value[0].Layer.FileName, ComparisonVerdict.Missing, reason ?? "the source has no such disk");

    /// <summary>Disks that the next backup would include; none when the comparison is of some disks only.</summary>
    private static IEnumerable<FileComparison> FindNew(BackupJob job, ComparedBackup backup)
    {
        Manifest manifest = backup.Backup.Manifest;
        if (job is not DomainJob guest || backup.Files.Count < manifest.Disks.Count)
        {
            return [];
        }

        DomainSettings wanted = guest.Settings with { Disks = guest.Settings.Disks with { Only = null } };
        return guest.Facts.Disks
            .Where(disk => manifest.Disks.All(other => other.Target != disk.Target)
                && DomainPlanner.SkipReason(disk, wanted, guest.Facts.Excluded) is null)
            .Select(disk => new FileComparison(
                disk.Target, disk.Target.Value, ComparisonVerdict.NotInBackup,
                "the source has it, and the backup was made without it"));
    }

    private static IEnumerable<string> DescribeOther(BackupJob job, Manifest manifest) =>
        job.Identity.Uuid == manifest.DomainUuid ? []
        :
        [
            $"the source is another one than the backup was made of: its UUID is {job.Identity.Uuid}, "
            + $"and was {manifest.DomainUuid}",
        ];
}
