using KvmBackup.Disks;
using KvmBackup.Model;
using KvmBackup.Planning;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>Removes those of our snapshots that no backup stands on any more, after a new one is published.</summary>
public sealed class ImageTrimmer(RbdClient cluster, ILogger log)
{
    /// <param name="job">What was backed up.</param>
    /// <param name="proof">The published backup.</param>
    /// <param name="own">The guest's whole backups, this one included.</param>
    /// <returns>What an operator should know.</returns>
    public async Task<IReadOnlyList<string>> TrimAsync(BackupJob job, CompletedBackup proof, IReadOnlyList<CompletedBackup> own)
    {
        List<string> warnings = [];
        foreach (TakenDisk disk in job.Disks.Where(disk => disk.Image is not null))
        {
            try
            {
                warnings.AddRange(await TrimAsync(disk.Disk.Target, disk.Image!, job, proof, own));
            }
            catch (KvmBackupException failure)
            {
                // The backup is good; what is too much in the cluster goes the next time.
                warnings.Add($"disk {disk.Disk.Target}: old snapshots may be left in the cluster: {failure.Message}");
            }
        }

        return warnings;
    }

    private async Task<IReadOnlyList<string>> TrimAsync(
        DiskTarget target, TakenImage image, BackupJob job, CompletedBackup proof, IReadOnlyList<CompletedBackup> own)
    {
        ManifestDisk disk = proof.Manifest.Disks.Single(other => other.Target == target);
        IReadOnlyList<RbdSnapshot> snapshots = await cluster.ListSnapshotsAsync(image.Location, CancellationToken.None);
        (IReadOnlyList<string> removable, IReadOnlyList<string> unknown) =
            SnapshotPlanner.Decide(disk, job.Terms.FullEvery, snapshots, own, proof);
        foreach (string name in removable)
        {
            _ = await cluster.RemoveSnapshotAsync(image.Location, name, CancellationToken.None);
            log.Information("{Domain}: removed the snapshot {Image}@{Snapshot}", job.Name, image.Source.Image, name);
        }

        return [.. unknown.Select(name =>
            $"disk {target}: the snapshot {image.Source.Image}@{name} looks like one of ours, but no backup here knows it, so it is left; "
            + $"when nothing needs it: rbd snap rm {ShellWord.Quote($"{image.Source.Image}@{name}")}")];
    }
}
