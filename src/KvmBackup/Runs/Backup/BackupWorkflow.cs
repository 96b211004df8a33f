using KvmBackup.Archiving;
using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Guarding;
using KvmBackup.Journaling;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Retention;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Backup;

/// <summary>
/// The sacred order, the same for a domain and for an image without one: from the lock to the published backup and its
/// retention.
/// </summary>
public sealed class BackupWorkflow(
    Archiver archiver, RbdClient cluster, ImageTrimmer trimmer, FaultInjection gate, ProcessPriorityScope priority, BackupVerifier verifier, RetentionRunner retainer, Merger merger,
    BackupDirectory target, Journal journal, string hostName, TimeProvider time, ILogger log)
{
    /// <summary>Never throws for what befalls this one backup: the report tells it.</summary>
    /// <param name="subject">What is backed up.</param>
    /// <param name="reason">Why it is due.</param>
    /// <param name="wait">How long to wait for another run to let go of the domain.</param>
    /// <param name="watcher">Who mends the guest if this run is killed.</param>
    /// <param name="progress">Told while disks are read.</param>
    public async Task<JobReport> RunAsync<TJob>(
        IBackupSubject<TJob> subject, string reason, TimeSpan wait, RecoveryWatcher? watcher,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
        where TJob : BackupJob
    {
        JobReportBuilder record = new(subject.Name, reason, time);
        log.Information("{Domain}: backup begins: {Reason}", subject.Name, reason);
        try
        {
            await BackUpAsync(subject, wait, watcher, record, progress, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            record.Fail(new RunsException($"interrupted; {subject.Untouched}, and nothing was published"));
        }
        catch (Exception failure)
        {
            // Of whatever type: the next domain is backed up all the same.
            record.Fail(failure);
            log.Debug("{Trace}", failure.ToString());
        }

        if (record.FailureText.Length > 0)
        {
            log.Error("{Domain}: {Failure}", subject.Name, record.FailureText);
        }

        return record.ToReport();
    }

    private async Task BackUpAsync<TJob>(
        IBackupSubject<TJob> subject, TimeSpan wait, RecoveryWatcher? watcher, JobReportBuilder record,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
        where TJob : BackupJob
    {
        BackupSettings settings = subject.Settings;
        await TargetTimeout.RequestAsync(() => record.Warn(target.EnsureUsable()), settings.StallTimeout, target.DirectoryPath);
        await archiver.EnsureAvailableAsync(settings.Compression, cancellationToken);
        DomainDirectory directory = target.ForDomain(subject.Name);
        DomainLock held = await TargetTimeout.FinishAsync(
            "locking the backups", token => directory.LockAsync(wait, token), settings.StallTimeout + wait, target.DirectoryPath,
            cancellationToken);
        try
        {
            await BackUpAsync(subject, directory, held, watcher, record, progress, cancellationToken);
        }
        finally
        {
            await TargetTimeout.DisposeAsync(held, $"the lock of {subject.Name}", settings.StallTimeout, log);
        }
    }

    private async Task BackUpAsync<TJob>(
        IBackupSubject<TJob> subject, DomainDirectory directory, DomainLock held, RecoveryWatcher? watcher,
        JobReportBuilder record, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
        where TJob : BackupJob
    {
        BackupSettings settings = subject.Settings;
        int leftovers = await TargetTimeout.FinishAsync(
            "removing what interrupted runs had left", _ => Task.FromResult(directory.RemoveLeftovers(held)),
            settings.StallTimeout, target.DirectoryPath, cancellationToken);
        if (leftovers > 0)
        {
            record.Warn($"removed {leftovers} unfinished backup(s) that interrupted runs had left");
        }

        BackupCatalogue catalogue = directory.List();
        record.Damaged(catalogue.Damages);
        IReadOnlyList<CompletedBackup> others = catalogue.Backups;
        BackupId now = ClockNotice.NextId(others, time.GetUtcNow());
        record.Warn(ClockNotice.Find(others, time.GetUtcNow()) is { } notice ? [notice] : []);
        TJob job = await subject.PrepareAsync(directory, now, cancellationToken);
        record.Warn(job.Warnings);
        await (watcher?.WaitUntilReadyAsync(cancellationToken) ?? Task.CompletedTask);
        PendingBackup pending = await TargetTimeout.FinishAsync(
            "making a new folder", _ => directory.BeginAsync(now, job.Kind, held), settings.StallTimeout,
            target.DirectoryPath, cancellationToken);
        CompletedBackup completed;
        try
        {
            completed = await CopyAsync(subject, job, pending, record, progress, cancellationToken);
        }
        finally
        {
            await TargetTimeout.DisposeAsync(pending, pending.DirectoryPath, settings.StallTimeout, log);
        }

        record.Succeed(completed.Manifest);
        log.Information("{Domain}: published {Directory}", subject.Name, completed.DirectoryPath);
        if (job.Images.Count > 0)
        {
            record.Warn(await trimmer.TrimAsync(job, completed, directory.List().Backups));
            gate.Pass(subject.Name, JobStep.Trimmed);
        }

        if (record.IsGuestClean)
        {
            record.Removed(await TargetTimeout.FinishAsync(
                "removing old backups", _ => Task.FromResult(retainer.Retain(directory, settings.Retention, completed, held)),
                settings.StallTimeout, target.DirectoryPath, CancellationToken.None));
            using IDisposable? lowered = priority.Begin(settings.Limits);
            MergeResult merges = await merger.MergeAsync(directory, settings, completed, held, cancellationToken);
            record.Merged(merges.Merged);
            record.Removed(merges.Removed);
            gate.Pass(subject.Name, JobStep.Retained);
        }
    }

    private Task<CompletedBackup> CopyAsync<TJob>(
        IBackupSubject<TJob> subject, TJob job, PendingBackup pending, JobReportBuilder record,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
        where TJob : BackupJob =>
        new CaptureScope(journal, cluster, gate, log).UseAsync(
            subject, job, pending.Id, pending.DirectoryPath, record, async (source, images) =>
            {
                Manifest manifest = await WriteAsync(job, source, pending, record, progress, cancellationToken);
                CompletedBackup completed = await TargetTimeout.FinishAsync(
                    "the end of the backup", token => pending.PublishAsync(manifest, token), job.Terms.StallTimeout,
                    target.DirectoryPath, cancellationToken);
                images.Keep();
                gate.Pass(job.Name, JobStep.Published);
                return completed;
            },
            cancellationToken);

    private async Task<Manifest> WriteAsync(
        BackupJob job, ICapture source, PendingBackup pending, JobReportBuilder record, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        // Around the pin, not within it: whatever the target does, the guest is released first.
        DomainArchive archive = new(job, pending, archiver, cluster, record.StartedAt, log);
        try
        {
            return await WriteAsync(job, source, pending, archive, record, progress, cancellationToken);
        }
        finally
        {
            await TargetTimeout.DisposeAsync(archive, $"the archive of {job.Name}", job.Terms.StallTimeout, log);
        }
    }

    private async Task<Manifest> WriteAsync(
        BackupJob job, ICapture source, PendingBackup pending, DomainArchive archive, JobReportBuilder record,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        await Task.WhenAll(source.PrepareAsync(cancellationToken), archive.AddDefinitionsAsync(hostName, cancellationToken));
        ResourceLimits limits = job.Terms.Limits;
        TransferMonitor monitor = new(job.Name, job.DataBytes, progress) { RateLimiter = RateLimiter.Of(limits, time) };
        PinOutcome outcome = await source.ReadAsync(priority.Of(archive, limits), monitor, cancellationToken);

        // The guest is on its own disks again, or held by nothing that could keep it waiting.
        using IDisposable? lowered = priority.Begin(limits);
        record.Warn([.. outcome.Warnings(job.Quiesce), .. archive.Warnings]);
        Manifest Describe(ManifestArchive file, IReadOnlyList<ManifestDisk> disks, IReadOnlyList<ArchiveMember> members) => new(
            Manifest.CurrentFormatVersion, ProgramName.Text, hostName, job.Name, job.Identity.Uuid, pending.Id,
            pending.Kind, outcome.Consistency, outcome.Reason, record.StartedAt, time.GetUtcNow(), outcome.FrozenFor,
            file, disks, job.Skipped, job.Files, members, record.Warnings)
        {
            OverlayBytes = outcome.OverlayBytes,
            Autostart = job.Autostart,
        };
        Manifest manifest = await TargetTimeout.FinishAsync(
            "the end of the archive", token => archive.CompleteAsync(Describe, token), job.Terms.StallTimeout,
            target.DirectoryPath, cancellationToken);
        gate.Pass(job.Name, JobStep.Completed);
        if (job.Terms.VerifyBeforePublish)
        {
            await verifier.ProveAsync(pending.DirectoryPath, manifest, cancellationToken);
        }

        return manifest;
    }
}
