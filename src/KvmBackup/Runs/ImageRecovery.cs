using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Journaling;
using KvmBackup.Model;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>Removes the snapshots that a dead run has made of a domain's images, unless its backup was published after all.</summary>
public sealed class ImageRecovery(ClusterAccess access, ClusterKeys keys, RbdClient cluster, ILogger log)
{
    /// <param name="entry">What the run had open.</param>
    /// <returns>What was done, and what could not be.</returns>
    public async Task<IReadOnlyList<string>> RecoverAsync(JournalEntry entry)
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
            string name = $"{image.Image}@{image.SnapshotName}";
            try
            {
                RbdLocation location = await access.LocateAsync(
                    new RbdSource(image.Image, image.Monitors, image.User, image.Secret),
                    new CephSettings(image.ConfigurationPath, image.ConfiguredUser, image.KeyringPath), CancellationToken.None);
                if (await cluster.RemoveSnapshotAsync(location, image.SnapshotName, CancellationToken.None))
                {
                    deeds.Add($"the snapshot {name} was removed");
                }
            }
            catch (KvmBackupException failure)
            {
                // No guest waits for this; who keeps the entry open for it would refuse the next backup.
                log.Warning("{Domain}: {Message}", entry.DomainName, failure.Message);
                deeds.Add(
                    $"the snapshot {name} may be left in the cluster: {failure.Message.TrimEnd('.')}. Remove it with: rbd snap rm {ShellWord.Quote(name)}");
            }
        }

        keys.Forget();
        return deeds;
    }
}
