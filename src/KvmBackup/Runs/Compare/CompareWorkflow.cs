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
/// One comparison, in the sacred order of a backup up to the release: look, intent, pin, read, commit back. The same for a
/// domain and for an image without one.
/// </summary>
public sealed class CompareWorkflow(CaptureScope hold, RbdClient cluster, ProcessPriorityScope priority, TimeProvider time, ILogger log)
{
    /// <param name="subject">What the backup is compared with.</param>
    /// <param name="backup">An open backup.</param>
    /// <param name="directory">Where it lies.</param>
    /// <param name="watcher">Who mends the guest if this run is killed; null for nobody.</param>
    /// <param name="progress">Told while disks are read.</param>
    /// <exception cref="KvmBackupException">The source cannot be held or read; it was let go all the same.</exception>
    public async Task<CompareReport> RunAsync<TJob>(
        IBackupSubject<TJob> subject, ComparedBackup backup, DomainDirectory directory, RecoveryWatcher? watcher,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
        where TJob : BackupJob
    {
        JobReportBuilder record = new(subject.Name, "compared", time);
        log.Information("{Domain}: comparing it with {Id}", subject.Name, backup.Backup.Id);
        BackupId now = new(time.GetUtcNow());
        TJob job = await subject.PrepareAsync(directory, now, cancellationToken);
        await (watcher?.WaitUntilReadyAsync(cancellationToken) ?? Task.CompletedTask);
        Comparison comparison = new(job.Name, backup, cluster, log);
        ResourceLimits limits = job.Terms.Limits;
        TransferMonitor monitor = new(job.Name, job.DataBytes, progress)
        {
            RateLimiter = RateLimiter.Of(limits, time), Stall = "neither the source nor the archive of the backup gave data",
        };
        PinOutcome outcome;
        try
        {
            // Snapshots are kept only for what is published: under the folder of all backups nothing ever is.
            outcome = await hold.UseAsync(
                subject, job, now, directory.DirectoryPath, record,
                (source, _) => source.ReadAsync(priority.Of(comparison, limits), monitor, cancellationToken),
                cancellationToken);
        }
        catch (Exception failure) when (record.Troubles.Count > 0)
        {
            // What the guest needs is worse news than why it was not compared.
            throw new RunsException(
                string.Join("\n", record.Troubles.Append($"{job.Name} was not compared: {Failure.Describe(failure)}")), ExitCode.ManualActionRequired, failure);
        }

        return new CompareReport(
            backup.Backup.Domain, backup.Backup.Id, job.Name, outcome.Consistency,
            [.. comparison.Files, .. FindMissing(job, backup), .. FindNew(job, backup)], RecoveryReport.Nothing,
            [.. DescribeOther(job, backup.Backup.Manifest), .. record.Warnings, .. comparison.Warnings], record.Troubles,
            record.Elapsed);
    }

    private static IEnumerable<FileComparison> FindMissing(BackupJob job, ComparedBackup backup) =>
        backup.Files.Where(disk => job.Disks.All(taken => taken.Disk.Target != disk.Key)).Select(disk => new FileComparison(
            disk.Key, disk.Value[0].Layer.FileName, ComparisonVerdict.Missing,
            job.Skipped.FirstOrDefault(skipped => skipped.Target == disk.Key)?.Reason ?? "the source has no such disk"));

    /// <summary>Disks that the next backup would take. Who asked for some disks only is told of these.</summary>
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
                disk.Target, disk.Target.Value, ComparisonVerdict.NotInBackup, "the source has it, and the backup was made without it"));
    }

    private static IEnumerable<string> DescribeOther(BackupJob job, Manifest manifest) => job.Identity.Uuid == manifest.DomainUuid
        ? [] : [$"the source is another one than the backup was made of: its UUID is {job.Identity.Uuid}, and was {manifest.DomainUuid}"];
}
