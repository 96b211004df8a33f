using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Journaling;
using KvmBackup.Runs.Clusters;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Recover;

/// <summary>
/// Removes the snapshots of a domain's images that an interrupted run has taken, unless its backup was published.
/// </summary>
public sealed class ImageRecovery(ClusterAccess access, ClusterKeys keys, RbdClient cluster, ILogger log)
{
    // A cluster that does not answer must not delay the start of every run.
    private static readonly TimeSpan StallTimeout = TimeSpan.FromSeconds(10);

    /// <param name="entry">The journal entry of the run.</param>
    /// <param name="pendingDeletions">Receives snapshots that cannot be removed, or may still be created.</param>
    /// <returns>The actions, and the failures.</returns>
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

        List<string> actions = [];
        foreach (JournalImage image in entry.Images)
        {
            // Recorded first, since the entry is closed after this. A missing snapshot may still be created: the
            // program that takes it can outlive the run by a moment.
            pendingDeletions.Add(image);
            if (await RemoveAsync(image, actions) == true)
            {
                pendingDeletions.Remove(image);
            }
        }

        keys.Forget();
        return actions;
    }

    /// <summary>Removes the snapshots that earlier runs could not remove.</summary>
    /// <returns>The actions for each image; empty when there were none.</returns>
    public async Task<IReadOnlyList<DomainRecoveryReport>> SettleAsync(PendingSnapshotDeletions pendingDeletions)
    {
        List<DomainRecoveryReport> reports = [];
        foreach (JournalImage image in pendingDeletions.List())
        {
            List<string> actions = [];
            if (await RemoveAsync(image, actions) is not null)
            {
                pendingDeletions.Remove(image);
            }

            // No guest is affected, so this counts as recovered.
            reports.AddRange(actions.Count == 0 ? [] : [new DomainRecoveryReport(image.Image.Spec, true, actions)]);
        }

        keys.Forget();
        return reports;
    }

    /// <returns>Whether the snapshot existed; null when this is unknown.</returns>
    private async Task<bool?> RemoveAsync(JournalImage image, List<string> actions)
    {
        string name = $"{image.Image}@{image.SnapshotName}";
        RbdLocation location = new(
            image.Image, new RbdAccess([], image.ConfiguredUser, null, image.ConfigurationPath, image.KeyringPath));
        try
        {
            location = await access.LocateAsync(
                new RbdSource(image.Image, image.Monitors, image.User, image.Secret),
                new CephSettings(image.ConfigurationPath, image.ConfiguredUser, image.KeyringPath),
                CancellationToken.None);
            location = location with { Access = location.Access with { StallTimeout = StallTimeout } };
            if (await cluster.TryDescribeAsync(location, null, CancellationToken.None) is null)
            {
                actions.Add(
                    $"the image {image.Image} does not exist any more; if it was renamed, remove its snapshot "
                    + $"{image.SnapshotName} by the new name");
                return false;
            }

            bool wasThere = await cluster.RemoveSnapshotAsync(location, image.SnapshotName, CancellationToken.None);
            actions.AddRange(wasThere ? [$"the snapshot {name} was removed"] : []);
            return wasThere;
        }
        catch (Exception failure)
        {
            // No guest is affected. An open journal entry would prevent the next backup.
            actions.Add(
                $"the snapshot {name} may be left in the cluster: {Failure.Describe(failure).TrimEnd('.')}. Every run "
                    + $"retries this; or remove it with: {RbdAdvice.RemoveSnapshot(location, image.SnapshotName)}");
            log.Warning("{Message}", actions[^1]);
            return null;
        }
    }
}
