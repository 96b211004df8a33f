using KvmBackup.Archiving;
using KvmBackup.Ceph;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Backup;

/// <summary>Writes the archive of a captured guest or image, and describes it in a manifest.</summary>
public sealed class BackupWriter(
    Archiver archiver, RbdClient cluster, BackupVerifier verifier, FaultInjection faults, ProcessPriorityScope priority,
    string hostName, TimeProvider time, ILogger log)
{
    /// <param name="job">What was decided.</param>
    /// <param name="source">The captured guest or image; it is released when this returns or fails.</param>
    /// <param name="pending">The backup that is being written.</param>
    /// <param name="report">Gets warnings.</param>
    /// <param name="progress">Gets the progress of the read.</param>
    /// <returns>The manifest of the complete archive; it was verified when the settings require that.</returns>
    /// <exception cref="KvmBackupException">The source cannot be read, or the archive cannot be written.</exception>
    public async Task<Manifest> WriteAsync(
        BackupJob job, ICapture source, PendingBackup pending, JobReportBuilder report,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        TimeSpan stallLimit = job.Terms.StallTimeout;

        // The archive's scope is around the capture: whatever the target does, the guest is released first.
        DomainArchive archive = new(job, pending, archiver, cluster, report.StartedAt, log);
        await using TargetScope closing = new(archive, $"the archive of {job.Name}", stallLimit, log);
        await Task.WhenAll(
            source.PrepareAsync(cancellationToken), archive.AddDefinitionsAsync(hostName, cancellationToken));
        ResourceLimits limits = job.Terms.Limits;
        TransferMonitor monitor = new(job.Name, job.DataBytes, progress) { RateLimiter = RateLimiter.Of(limits, time) };
        PinOutcome outcome = await source.ReadAsync(priority.Of(archive, limits), monitor, cancellationToken);

        // The guest is back on its own disks; the rest may run at low priority.
        using IDisposable? lowered = priority.Begin(limits);
        report.Warn([.. outcome.Warnings(job.Quiesce), .. archive.Warnings]);
        Manifest Describe(
            ManifestArchive file, IReadOnlyList<ManifestDisk> disks, IReadOnlyList<ArchiveMember> members) => new(
            Manifest.CurrentFormatVersion, ProgramName.Text, hostName, job.Name, job.Identity.Uuid, pending.Id,
            pending.Kind, outcome.Consistency, outcome.Reason, report.StartedAt, time.GetUtcNow(), outcome.FrozenFor,
            file, disks, job.Skipped, job.Files, members, report.Warnings)
            {
                OverlayBytes = outcome.OverlayBytes,
                Autostart = job.Autostart,
                Title = job.Labels.Title,
                Group = job.Labels.Group,
                Snapshots =
                [
                    .. job.Snapshots.Select((snapshot, index) => new ManifestSnapshot(
                        snapshot.Name, DomainSnapshot.MemberName(index + 1), snapshot.IsCurrent)),
                ],
                Definitions = job.Dependencies.Definitions,
                HostResources = job.Dependencies.Resources,
            };
        Manifest manifest = await TargetTimeout.FinishAsync(
            "the end of the archive", token => archive.CompleteAsync(Describe, token), stallLimit,
            Path.GetDirectoryName(pending.DirectoryPath)!, cancellationToken);
        faults.Pass(job.Name, JobStep.Completed);
        if (job.Terms.VerifyBeforePublish)
        {
            await verifier.ProveAsync(pending.DirectoryPath, manifest, cancellationToken);
        }

        return manifest;
    }
}
