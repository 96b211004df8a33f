using KvmBackup.Archiving;
using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Guarding;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Model;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>Backs up one domain: the sacred order, from the lock to the published backup and its retention.</summary>
public sealed class DomainBackup(
    LibvirtHost host, Preflight preflight, DomainPinner pinner, Archiver archiver, RbdClient cluster, ImageTrimmer trimmer, StepGate gate,
    BackupVerifier verifier, Retainer retainer, BackupDirectory target, Journal journal, string hostName, TimeProvider time, ILogger log)
{
    private readonly PauseCheck pauses = new(host, log);

    /// <summary>Never throws for what befalls this one domain: the report tells it.</summary>
    /// <param name="domain">Which domain.</param>
    /// <param name="settings">How it is backed up.</param>
    /// <param name="reason">Why it is due.</param>
    /// <param name="wait">How long to wait for another run to let go of the domain.</param>
    /// <param name="watcher">Who mends the guest if this run is killed.</param>
    /// <param name="progress">Told while disks are read.</param>
    public async Task<JobReport> RunAsync(
        DomainIdentity domain, DomainSettings settings, string reason, TimeSpan wait, DeadMansSwitch? watcher,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        JobRecord record = new(domain.Name, reason, time);
        log.Information("{Domain}: backup begins: {Reason}", domain.Name, reason);
        try
        {
            await BackUpAsync(domain, settings, wait, watcher, record, progress, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            record.Fail(new RunsException("interrupted; the guest is as it was, and nothing was published"));
        }
        catch (Exception failure) when (failure is KvmBackupException or IOException or UnauthorizedAccessException)
        {
            record.Fail(failure);
        }

        if (record.FailureText.Length > 0)
        {
            log.Error("{Domain}: {Failure}", domain.Name, record.FailureText);
        }

        return record.ToReport();
    }

    private async Task BackUpAsync(
        DomainIdentity domain, DomainSettings settings, TimeSpan wait, DeadMansSwitch? watcher, JobRecord record,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        await Patience.AskAsync(target.EnsureUsable, settings.StallTimeout, target.DirectoryPath);
        await archiver.EnsureAvailableAsync(settings.Compression, cancellationToken);
        DomainDirectory directory = target.ForDomain(domain.Name);
        DomainLock held = await Patience.FinishAsync(
            "locking the backups", token => directory.LockAsync(wait, token), settings.StallTimeout + wait, target.DirectoryPath,
            cancellationToken);
        try
        {
            await BackUpAsync(domain, settings, directory, held, watcher, record, progress, cancellationToken);
        }
        finally
        {
            await Patience.DisposeAsync(held, $"the lock of {domain.Name}", settings.StallTimeout, log);
        }
    }

    private async Task BackUpAsync(
        DomainIdentity domain, DomainSettings settings, DomainDirectory directory, DomainLock held, DeadMansSwitch? watcher,
        JobRecord record, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        int leftovers = await Patience.FinishAsync(
            "removing what interrupted runs had left", _ => Task.FromResult(directory.RemoveLeftovers(held)),
            settings.StallTimeout, target.DirectoryPath, cancellationToken);
        if (leftovers > 0)
        {
            record.Warn($"removed {leftovers} unfinished backup(s) that interrupted runs had left");
        }

        BackupId now = new(time.GetUtcNow());
        PreparedJob job = await preflight.PrepareAsync(domain, settings, directory, target, now, cancellationToken);
        record.Warn(job.Warnings);
        await (watcher?.WaitUntilReadyAsync(cancellationToken) ?? Task.CompletedTask);
        PendingBackup pending = await Patience.FinishAsync(
            "making a new folder", _ => directory.BeginAsync(now, job.Kind, held), settings.StallTimeout,
            target.DirectoryPath, cancellationToken);
        CompletedBackup completed;
        try
        {
            completed = await CopyAsync(job, pending, record, progress, cancellationToken);
        }
        finally
        {
            await Patience.DisposeAsync(pending, pending.DirectoryPath, settings.StallTimeout, log);
        }

        record.Succeed(completed.Manifest);
        log.Information("{Domain}: published {Directory}", domain.Name, completed.DirectoryPath);
        if (job.Images.Count > 0)
        {
            record.Warn(await trimmer.TrimAsync(job, completed, directory.List().Backups));
            gate.Pass(domain.Name, JobStep.Trimmed);
        }

        if (record.IsGuestClean)
        {
            record.Removed(await Patience.FinishAsync(
                "removing old backups", _ => Task.FromResult(retainer.Retain(directory, settings.Retention, completed, held)),
                settings.StallTimeout, target.DirectoryPath, CancellationToken.None));
            gate.Pass(domain.Name, JobStep.Retained);
        }
    }

    private async Task<CompletedBackup> CopyAsync(
        PreparedJob job, PendingBackup pending, JobRecord record, IProgress<TransferProgress>? progress,
        CancellationToken cancellationToken)
    {
        OpenEntry entry = await journal.OpenAsync(DomainPinner.Intent(job, pending), cancellationToken);
        gate.Pass(job.Facts.Name, JobStep.Intent);
        PinnedImages images = new(job, cluster, journal.Owed, log);
        PinnedDomain pin = pinner.Begin(job, pending.Id, entry, images);
        try
        {
            Manifest manifest = await WriteAsync(job, pin, images, pending, record, progress, cancellationToken);
            CompletedBackup completed = await Patience.FinishAsync(
                "the end of the backup", token => pending.PublishAsync(manifest, token), job.Settings.StallTimeout, target.DirectoryPath, cancellationToken);
            images.Keep();
            gate.Pass(job.Facts.Name, JobStep.Published);
            return completed;
        }
        finally
        {
            // A guest that still needs something keeps its entry: recovery goes on from it.
            await images.DisposeAsync();
            record.Warn(images.Left);
            record.NeedPerson(pin.Troubles);
            record.NeedPerson(job.Facts.IsActive ? await pauses.FindAsync(job) : []);
            if (pin.IsGuestClean)
            {
                await entry.CloseAsync(CancellationToken.None);
                gate.Pass(job.Facts.Name, JobStep.Closed);
            }
        }
    }

    private async Task<Manifest> WriteAsync(
        PreparedJob job, PinnedDomain pin, PinnedImages images, PendingBackup pending, JobRecord record,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        // Around the pin, not within it: whatever the target does, the guest is released first.
        DomainArchive archive = new(job, pending, archiver, cluster, record.StartedAt, log);
        try
        {
            return await WriteAsync(job, pin, images, pending, archive, record, progress, cancellationToken);
        }
        finally
        {
            await Patience.DisposeAsync(archive, $"the archive of {job.Facts.Name}", job.Settings.StallTimeout, log);
        }
    }

    private async Task<Manifest> WriteAsync(
        PreparedJob job, PinnedDomain pin, PinnedImages images, PendingBackup pending, DomainArchive archive, JobRecord record,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        await archive.AddDefinitionsAsync(hostName, cancellationToken);
        Tally tally = new(job.Facts.Name, job.DataBytes, progress);
        PinOutcome outcome = job.Facts.IsActive
            ? await ReadPinnedAsync(job, pin, archive, tally, cancellationToken)
            : await ReadOfflineAsync(job, images, archive, tally, cancellationToken);
        record.Warn([.. outcome.Warnings(job.Settings.Quiesce), .. archive.Warnings]);
        Manifest Describe(ManifestArchive file, IReadOnlyList<ManifestDisk> disks, IReadOnlyList<ArchiveMember> members) => new(
            Manifest.CurrentFormatVersion, ProgramName.Text, hostName, job.Facts.Name, job.Facts.Uuid, pending.Id,
            pending.Kind, outcome.Consistency, outcome.Reason, record.StartedAt, time.GetUtcNow(), outcome.FrozenFor,
            file, disks, job.Skipped, job.Facts.Files, members, record.Warnings);
        Manifest manifest = await Patience.FinishAsync(
            "the end of the archive", token => archive.CompleteAsync(Describe, token), job.Settings.StallTimeout,
            target.DirectoryPath, cancellationToken);
        gate.Pass(job.Facts.Name, JobStep.Completed);
        if (job.Settings.VerifyBeforePublish)
        {
            await verifier.ProveAsync(pending.DirectoryPath, manifest, cancellationToken);
        }

        return manifest;
    }

    private async Task<PinOutcome> ReadPinnedAsync(
        PreparedJob job, PinnedDomain pin, DomainArchive archive, Tally tally, CancellationToken cancellationToken)
    {
        await using (pin)
        {
            await pin.PinAsync(cancellationToken);
            await using ReadGuard guard = new(
                job.Overlays, tally, job.Settings.StallTimeout, () => pauses.IsPausedAsync(job), time, cancellationToken);
            foreach (TakenDisk disk in job.Disks)
            {
                await guard.ProtectAsync(token => archive.AddDiskAsync(disk, tally, token));
                await pin.ReleaseAsync(disk.Disk.Target);
            }
        }

        return pin.Outcome;
    }

    private async Task<PinOutcome> ReadOfflineAsync(
        PreparedJob job, PinnedImages images, DomainArchive archive, Tally tally, CancellationToken cancellationToken)
    {
        OfflineGuard offline = new(job, host);
        await images.CreateAsync(OverlaySnapshot.Limit);
        await using ReadGuard guard = new(
            [], tally, job.Settings.StallTimeout, () => Task.FromResult(false), time, cancellationToken);
        foreach (TakenDisk disk in job.Disks)
        {
            await guard.ProtectAsync(token => archive.AddDiskAsync(disk, tally, token));
        }

        await offline.EnsureUntouchedAsync(cancellationToken);
        return new PinOutcome(Consistency.Offline, null, null);
    }
}
