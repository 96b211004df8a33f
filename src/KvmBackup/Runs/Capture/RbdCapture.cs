using System.Collections.Concurrent;
using KvmBackup.Ceph;
using KvmBackup.Journaling;
using Serilog;

namespace KvmBackup.Runs.Capture;

/// <summary>
/// Holds the RBD images of a backup at one instant, each by a snapshot. Leaving the scope removes the snapshots again, unless
/// the backup was published that the next one may stand on.
/// </summary>
/// <param name="job">Whose images.</param>
/// <param name="cluster">Makes and removes.</param>
/// <param name="pendingDeletions">Takes what is not proven to be gone, for the next run to remove.</param>
/// <param name="log">Told what is left.</param>
public sealed class RbdCapture(BackupJob job, RbdClient cluster, PendingSnapshotDeletions pendingDeletions, ILogger log) : IAsyncDisposable
{
    private readonly List<BackupImage> begun = [];
    private readonly ConcurrentBag<BackupImage> uncertain = [];
    private readonly ConcurrentBag<BackupImage> refused = [];
    private readonly List<string> left = [];

    /// <summary>What could not be removed, with the commands to type.</summary>
    public IReadOnlyList<string> Left => left;

    public bool IsEmpty => job.Images.Count == 0;

    /// <summary>For the journal: the snapshots that are to be made.</summary>
    public static IReadOnlyList<JournalImage> Intent(BackupJob job) =>
        [.. Made(job).Select(image => Intent(job, image))];

    /// <summary>Takes all snapshots at once.</summary>
    /// <param name="limit">How long each may take: a guest may be frozen meanwhile, and a full pool answers never.</param>
    /// <exception cref="CephException">One was not taken.</exception>
    public async Task CreateAsync(TimeSpan limit)
    {
        // A call that failed may have been carried out all the same.
        begun.AddRange(Made(job));
        await Task.WhenAll(Made(job).Select(image => CreateAsync(image, limit)));
    }

    /// <summary>From now on the snapshots belong to a backup.</summary>
    public void Keep() => begun.Clear();

    // What somebody else made is theirs to remove.
    private static IEnumerable<BackupImage> Made(BackupJob job) => job.Images.Where(image => image.ExternalId is null);

    public async ValueTask DisposeAsync()
    {
        foreach (BackupImage image in begun.Except(refused))
        {
            try
            {
                bool wasThere = await cluster.RemoveSnapshotAsync(image.Location, image.SnapshotName, CancellationToken.None);
                if (!wasThere && uncertain.Contains(image))
                {
                    // It may come yet: the guest's QEMU makes it, when it holds the image's lock, and was only asked to.
                    pendingDeletions.Add(Intent(job, image));
                }
            }
            catch (Exception failure)
            {
                AddPending(image, failure);
            }
        }

        begun.Clear();
    }

    private static JournalImage Intent(BackupJob job, BackupImage image) => new(
        image.Source.Image, image.Source.Monitors, image.Source.User, image.Source.Secret,
        job.Terms.Ceph.ConfigurationPath, job.Terms.Ceph.User, job.Terms.Ceph.KeyringPath, image.SnapshotName);

    private async Task CreateAsync(BackupImage image, TimeSpan limit)
    {
        try
        {
            await cluster.CreateSnapshotAsync(image.Location, image.SnapshotName, limit, CancellationToken.None);
        }
        catch (CephException failure) when (failure.IsRefusal)
        {
            refused.Add(image);
            throw;
        }
        catch (Exception)
        {
            uncertain.Add(image);
            throw;
        }
    }

    private void AddPending(BackupImage image, Exception failure)
    {
        string name = $"{image.Source.Image}@{image.SnapshotName}";
        string end;
        try
        {
            pendingDeletions.Add(Intent(job, image));
            end = "The next run, or kvmbackup recover, removes it when the cluster answers";
        }
        catch (JournalingException trouble)
        {
            end = $"That cannot be remembered for the next run either: {trouble.Message.TrimEnd('.')}. Remove it with rbd snap rm {ShellWord.Quote(name)}";
        }

        left.Add($"the snapshot {name} may be left in the cluster: {Failure.Describe(failure).TrimEnd('.')}. {end}");
        log.Warning("{Domain}: {Message}", job.Name, left[^1]);
    }
}
