using KvmBackup.Ceph;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;
using Serilog;

namespace KvmBackup.Runs.Clusters;

/// <summary>Removes those of our snapshots that no backup stands on any more, after a new one is published.</summary>
public sealed class ImageTrimmer(RbdClient cluster, ILogger log)
{
    /// <param name="job">What was backed up.</param>
    /// <param name="proof">The published backup.</param>
    /// <param name="all">The whole backups of the directory, that one included.</param>
    /// <returns>What an operator should know.</returns>
    public async Task<IReadOnlyList<string>> TrimAsync(BackupJob job, CompletedBackup proof, IReadOnlyList<CompletedBackup> all)
    {

        // The next increment depends on the backup that was just made, not on one from a time when a clock was wrong.
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
                // The backup is good; what is too much in the cluster goes the next time.
                warnings.Add($"disk {disk.Disk.Target}: old snapshots may be left in the cluster: {Failure.Describe(failure)}");
            }
        }

        return warnings;
    }

    /// <summary>Removes one; a protected one is ours to unprotect.</summary>
    /// <exception cref="CephException">The cluster refuses.</exception>
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
        foreach (SnapshotVerdict verdict in verdicts.Where(verdict => verdict.Disposition == SnapshotDisposition.Removable))
        {
            await RemoveAsync(image.Location, verdict.Snapshot);
        }

        return [.. verdicts.Where(verdict => verdict.Disposition == SnapshotDisposition.Unknown).Select(verdict =>
            $"disk {target}: the snapshot {verdict.Image}@{verdict.Snapshot.Name} looks like one of ours, but {verdict.Reason}; it is left. "
            + $"When nothing needs it: rbd snap rm {ShellWord.Quote($"{verdict.Image}@{verdict.Snapshot.Name}")}")];
    }
}
