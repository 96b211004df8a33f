using KvmBackup.Archiving;
using KvmBackup.Guarding;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Backup;

/// <summary>
/// The backup sequence of one domain or image: lock, prepare, capture and write, publish, clean up.
/// </summary>
public sealed class BackupWorkflow(
    Archiver archiver, CaptureScopes captures, BackupWriter writer, BackupCleanup cleanup, BackupDirectory target,
    FaultInjection faults, TimeProvider time, ILogger log)
{
    /// <summary>Backs up one subject. Every failure is part of the report; only this backup is affected.</summary>
    /// <param name="subject">What is backed up.</param>
    /// <param name="reason">Why it is due.</param>
    /// <param name="wait">How long to wait for another run that has locked the same backups.</param>
    /// <param name="watcher">Recovers the guest when this run is killed; null: the next run does.</param>
    /// <param name="progress">Gets the progress of the read.</param>
    public async Task<JobReport> RunAsync(
        IBackupSubject subject, string reason, TimeSpan wait, RecoveryWatcher? watcher,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        JobReportBuilder report = new(subject.Name, reason, time);
        log.Information("{Domain}: backup begins: {Reason}", subject.Name, reason);
        try
        {
            await BackUpAsync(subject, wait, watcher, report, progress, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            report.Fail(new RunsException($"interrupted; {subject.UnchangedClause}, and nothing was published"));
        }
        catch (Exception failure)
        {
            // Of any type: the other domains are still backed up.
            report.Fail(failure);
            log.Debug("{Trace}", failure.ToString());
        }

        if (report.FailureText.Length > 0)
        {
            log.Error("{Domain}: {Failure}", subject.Name, report.FailureText);
        }

        return report.ToReport();
    }

    private async Task BackUpAsync(
        IBackupSubject subject, TimeSpan wait, RecoveryWatcher? watcher, JobReportBuilder report,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        TimeSpan stallLimit = subject.Settings.StallTimeout;
        await TargetTimeout.RequestAsync(() => report.Warn(target.EnsureUsable()), stallLimit, target.DirectoryPath);
        await archiver.EnsureAvailableAsync(subject.Settings.Compression, cancellationToken);

        DomainDirectory directory = target.ForDomain(subject.Name);
        DomainLock held = await FinishAsync(
            "locking the backups", token => directory.LockAsync(wait, token), stallLimit + wait, cancellationToken);
        await using TargetScope unlocking = new(held, $"the lock of {subject.Name}", stallLimit, log);
        int leftovers = await FinishAsync(
            "removing unfinished backups of interrupted runs", _ => Task.FromResult(directory.RemoveLeftovers(held)),
            stallLimit, cancellationToken);
        if (leftovers > 0)
        {
            report.Warn($"removed {leftovers} unfinished backup(s) of interrupted runs");
        }

        BackupCatalogue existing = directory.List();
        BackupId id = Review(existing, report);
        CapturePlan plan = await subject.PrepareAsync(existing, id, cancellationToken);
        report.Warn(plan.Job.Warnings);
        await (watcher?.WaitUntilReadyAsync(cancellationToken) ?? Task.CompletedTask);

        PendingBackup pending = await FinishAsync(
            "making a new folder", _ => directory.BeginAsync(id, plan.Job.Kind, held), stallLimit, cancellationToken);
        CompletedBackup completed = await CopyAsync(plan, pending, report, progress, cancellationToken);
        report.Succeed(completed.Manifest);
        log.Information("{Domain}: published {Directory}", subject.Name, completed.DirectoryPath);
        await cleanup.RunAsync(plan.Job, completed, directory, held, report, cancellationToken);
    }

    /// <summary>Reports what is wrong with the earlier backups, and chooses an ID that is newer than theirs.</summary>
    private BackupId Review(BackupCatalogue catalogue, JobReportBuilder report)
    {
        DateTimeOffset now = time.GetUtcNow();
        report.Damaged(catalogue.Damages);
        report.Warn(ClockNotice.Find(catalogue.Backups, now) is { } notice ? [notice] : []);
        return ClockNotice.NextId(catalogue.Backups, now);
    }

    private async Task<CompletedBackup> CopyAsync(
        CapturePlan plan, PendingBackup pending, JobReportBuilder report, IProgress<TransferProgress>? progress,
        CancellationToken cancellationToken)
    {
        TimeSpan stallLimit = plan.Job.Terms.StallTimeout;
        await using TargetScope discarding = new(pending, pending.DirectoryPath, stallLimit, log);
        await using CaptureScope scope = await captures.BeginAsync(
            plan, pending.DirectoryPath, report, cancellationToken);
        Manifest manifest = await writer.WriteAsync(
            plan.Job, scope.Source, pending, report, progress, cancellationToken);
        CompletedBackup completed = await FinishAsync(
            "the end of the backup", token => pending.PublishAsync(manifest, token), stallLimit, cancellationToken);
        scope.Images.Keep();
        faults.Pass(plan.Job.Name, JobStep.Published);
        return completed;
    }

    private Task<TResult> FinishAsync<TResult>(
        string what, Func<CancellationToken, Task<TResult>> work, TimeSpan stallLimit,
        CancellationToken cancellationToken) =>
        TargetTimeout.FinishAsync(what, work, stallLimit, target.DirectoryPath, cancellationToken);
}
