using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Journaling;
using KvmBackup.Runs.Clusters;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Recover;

/// <summary>Removes the snapshots that a dead run has made of a domain's images, unless its backup was published after all.</summary>
public sealed class ImageRecovery(ClusterAccess access, ClusterKeys keys, RbdClient cluster, ILogger log)
{
    // A cluster that hangs must not keep every run for long before it has even begun.
    private static readonly TimeSpan TargetTimeout = TimeSpan.FromSeconds(10);

    /// <param name="entry">What the run had open.</param>
    /// <param name="pendingDeletions">Takes what cannot be removed, or may come yet.</param>
    /// <returns>What was done, and what could not be.</returns>
    public async Task<IReadOnlyList<string>> RecoverAsync(JournalEntry entry, PendingSnapshotDeletions pendingDeletions)
    {
        if (entry.Images.Count == 0)
        {
            return [];
        }

        if (PendingBackup.WasPublished(entry.BackupDirectory))
        {
            return [$"the backup {entry.BackupId} was published: its snapshots stay in the cluster"];
        }

        List<string> deeds = [];
        foreach (JournalImage image in entry.Images)
        {
            // First remembered, for the entry is closed after this; and a snapshot that is not there may come yet: the program
            // that was to make it outlives the run by a moment.
            pendingDeletions.Add(image);
            if (await RemoveAsync(image, deeds) == true)
            {
                pendingDeletions.Remove(image);
            }
        }

        keys.Forget();
        return deeds;
    }

    /// <summary>Removes what earlier runs could not.</summary>
    /// <returns>For each domain or image what was done; empty when nothing was there to tell of.</returns>
    public async Task<IReadOnlyList<DomainRecoveryReport>> SettleAsync(PendingSnapshotDeletions pendingDeletions)
    {
        List<DomainRecoveryReport> reports = [];
        foreach (JournalImage image in pendingDeletions.List())
        {
            List<string> deeds = [];
            if (await RemoveAsync(image, deeds) is not null)
            {
                pendingDeletions.Remove(image);
            }

            // No guest waits for it, so that this is no trouble of one.
            reports.AddRange(deeds.Count == 0 ? [] : [new DomainRecoveryReport(image.Image.Spec, true, deeds)]);
        }

        keys.Forget();
        return reports;
    }

    /// <returns>Whether it was there; null when that is not known.</returns>
    private async Task<bool?> RemoveAsync(JournalImage image, List<string> deeds)
    {
        string name = $"{image.Image}@{image.SnapshotName}";
        try
        {
            RbdLocation location = await access.LocateAsync(
                new RbdSource(image.Image, image.Monitors, image.User, image.Secret),
                new CephSettings(image.ConfigurationPath, image.ConfiguredUser, image.KeyringPath), CancellationToken.None);
            location = location with { Access = location.Access with { TargetTimeout = TargetTimeout } };
            if (await cluster.TryDescribeAsync(location, null, CancellationToken.None) is null)
            {
                deeds.Add($"there is no image {image.Image} any more; if it was renamed, remove its snapshot {image.SnapshotName} there");
                return false;
            }

            bool wasThere = await cluster.RemoveSnapshotAsync(location, image.SnapshotName, CancellationToken.None);
            deeds.AddRange(wasThere ? [$"the snapshot {name} was removed"] : []);
            return wasThere;
        }
        catch (Exception failure)
        {
            // No guest waits for this; who keeps the journal's entry open for it would refuse the next backup.
            deeds.Add(
                $"the snapshot {name} may be left in the cluster: {Failure.Describe(failure).TrimEnd('.')}. Every run tries again; or remove it with: "
                + $"rbd snap rm {ShellWord.Quote(name)}");
            log.Warning("{Message}", deeds[^1]);
            return null;
        }
    }
}
