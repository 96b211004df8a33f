using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Model;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>Backs up one domain: the sacred order, from the lock to the published backup and its retention.</summary>
public sealed class DomainBackup(
    LibvirtHost host, Preflight preflight, DomainPinner pinner, DomainArchiver archiver, BackupVerifier verifier, Retainer retainer,
    BackupDirectory target, Journal journal, string hostName, TimeProvider time, ILogger log)
{
    /// <summary>Never throws for what befalls this one domain: the report tells it.</summary>
    /// <param name="domain">Which domain.</param>
    /// <param name="settings">How it is backed up.</param>
    /// <param name="reason">Why it is due.</param>
    /// <param name="wait">How long to wait for another run to let go of the domain.</param>
    /// <param name="progress">Told while disks are read.</param>
    public async Task<JobReport> RunAsync(
        DomainIdentity domain, DomainSettings settings, string reason, TimeSpan wait,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        JobRecord record = new(domain.Name, reason, time);
        log.Information("{Domain}: backup begins: {Reason}", domain.Name, reason);
        try
        {
            await BackUpAsync(domain, settings, wait, record, progress, cancellationToken);
        }
        catch (Exception failure) when (failure is KvmBackupException or IOException or UnauthorizedAccessException)
        {
            record.Fail(failure);
            log.Error("{Domain}: {Failure}", domain.Name, record.FailureText);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            record.Fail(new RunsException("interrupted; the guest is as it was, and nothing was published"));
            log.Error("{Domain}: interrupted", domain.Name);
        }

        return record.ToReport();
    }

    private async Task BackUpAsync(
        DomainIdentity domain, DomainSettings settings, TimeSpan wait, JobRecord record,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        target.EnsureUsable();
        await archiver.EnsureAvailableAsync(settings.Compression, cancellationToken);
        DomainDirectory directory = target.ForDomain(domain.Name);
        using DomainLock held = await directory.LockAsync(wait, cancellationToken);
        if (directory.RemoveLeftovers(held) is var leftovers and > 0)
        {
            record.Warn($"removed {leftovers} unfinished backup(s) that interrupted runs had left");
        }

        BackupId now = new(time.GetUtcNow());
        PreparedJob job = await preflight.PrepareAsync(domain, settings, directory, target, now, cancellationToken);
        record.Warn(job.Warnings);
        await using PendingBackup pending = await directory.BeginAsync(now, BackupKind.Full, held);
        CompletedBackup completed = await CopyAsync(job, pending, record, progress, cancellationToken);
        record.Succeed(completed.Manifest);
        log.Information("{Domain}: published {Directory}", domain.Name, completed.DirectoryPath);
        if (record.IsGuestClean)
        {
            record.Removed(retainer.Retain(directory, settings.Retention, completed, held));
        }
    }

    private async Task<CompletedBackup> CopyAsync(
        PreparedJob job, PendingBackup pending, JobRecord record, IProgress<TransferProgress>? progress,
        CancellationToken cancellationToken)
    {
        OpenEntry entry = await journal.OpenAsync(DomainPinner.Intent(job, pending), cancellationToken);
        PinnedDomain pin = pinner.Begin(job, pending.Id, entry);
        try
        {
            Manifest manifest;
            await using (pin)
            {
                OfflineGuard? offline = job.Facts.IsActive ? null : new OfflineGuard(job, host);
                if (offline is null)
                {
                    await pin.PinAsync(cancellationToken);
                }

                manifest = await archiver.WriteAsync(job, pin, pending, record, hostName, progress, cancellationToken);
                await (offline?.EnsureUntouchedAsync(cancellationToken) ?? Task.CompletedTask);
            }

            if (job.Settings.VerifyBeforePublish)
            {
                await verifier.ProveAsync(pending.DirectoryPath, manifest, cancellationToken);
            }

            return await pending.PublishAsync(manifest, cancellationToken);
        }
        finally
        {
            // A guest that still needs something keeps its entry: it is what the mending is done by.
            record.NeedPerson(pin.Troubles);
            if (pin.Troubles.Count == 0 && !pin.IsUncertain)
            {
                await entry.CloseAsync(CancellationToken.None);
            }
        }
    }
}
