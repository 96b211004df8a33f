using KvmBackup.Ceph;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;
using Serilog;

namespace KvmBackup.Runs.Clusters;

/// <summary>Removes our snapshots on which no backup depends any more, after a new backup is published.</summary>
public sealed class ImageTrimmer(RbdClient cluster, ILogger log)
{
    /// <param name="job">The job.</param>
    /// <param name="proof">The published backup.</param>
    /// <param name="all">The complete backups of the directory, including the published one.</param>
    /// <returns>Warnings for the operator.</returns>
    public async Task<IReadOnlyList<string>> TrimAsync(
        BackupJob job, CompletedBackup proof, IReadOnlyList<CompletedBackup> all)
    {
        // The next increment depends on the backup that was just published, not on one with a wrong time in the future.
        CompletedBackup[] own = [.. all.Where(backup => backup.Manifest.DomainUuid == job.Identity.Uuid)
            .OrderByDescending(backup => backup.Id <= proof.Id).ThenByDescending(backup => backup.Id)];
        CompletedBackup[] staying = [.. RetentionPlanner.Decide(job.Terms.Retention, proof, all).Verdicts
            .Where(verdict => verdict.IsKept).Select(verdict => verdict.Backup)];
        List<string> warnings = [];
        foreach (BackupDisk disk in job.Disks.Where(disk => disk.Image is { ExternalId: null }))
        {
            try
            {
                warnings.AddRange(await TrimAsync(disk.Disk.Target, disk.Image!, job, own, staying));
            }
            catch (Exception failure)
            {
                // The backup is complete; the next one removes remaining snapshots.
                warnings.Add(
                    $"disk {disk.Disk.Target}: old snapshots may be left in the cluster: {Failure.Describe(failure)}");
            }
        }

        return warnings;
    }

    /// <summary>Removes a snapshot, and unprotects it first if necessary.</summary>
    /// <exception cref="CephException">The cluster refused.</exception>
    public async Task RemoveAsync(RbdLocation location, RbdSnapshot snapshot)
    {
        if (snapshot.IsProtected)
        {
            await cluster.UnprotectAsync(location, snapshot.Name, CancellationToken.None);
        }

        _ = await cluster.RemoveSnapshotAsync(location, snapshot.Name, CancellationToken.None);
        log.Information("removed the snapshot {Image}@{Snapshot}", location.Image, snapshot.Name);
    }

    private async Task<IReadOnlyList<string>> TrimAsync(
        DiskTarget target, BackupImage image, BackupJob job, IReadOnlyList<CompletedBackup> own,
        IReadOnlyList<CompletedBackup> staying)
    {
        if (job.Terms.ProtectSnapshots)
        {
            await cluster.ProtectAsync(image.Location, image.SnapshotName, CancellationToken.None);
        }

        IReadOnlyList<SnapshotVerdict> verdicts = SnapshotPlanner.Decide(
            job.Identity.Uuid, target, image.Source.Image, job.Terms.FullEvery, job.Terms.KeepOnCluster,
            await cluster.ListSnapshotsAsync(image.Location, CancellationToken.None), own, staying);
        foreach (SnapshotVerdict verdict in verdicts.Where(
            verdict => verdict.Disposition == SnapshotDisposition.Removable))
        {
            await RemoveAsync(image.Location, verdict.Snapshot);
        }

        return [.. verdicts.Where(verdict => verdict.Disposition == SnapshotDisposition.Unknown).Select(verdict =>
            $"disk {target}: the snapshot {verdict.Image}@{verdict.Snapshot.Name} looks like one of kvmbackup, but "
                + $"{verdict.Reason}; it stays. If it is not needed: "
                + RbdAdvice.RemoveSnapshot(image.Location with { Image = verdict.Image }, verdict.Snapshot.Name))];
    }
}
