using System.Collections.Concurrent;
using KvmBackup.Ceph;
using KvmBackup.Journaling;
using Serilog;

namespace KvmBackup.Runs.Capture;

/// <summary>
/// Captures the RBD images of a backup at one instant, each by a snapshot. The end of the scope removes the snapshots,
/// unless the backup was published, on which the next one may depend.
/// </summary>
/// <param name="job">The backup.</param>
/// <param name="cluster">Creates and removes the snapshots.</param>
/// <param name="pendingDeletions">Gets the snapshots whose removal is not certain, for the next run.</param>
/// <param name="log">Gets what is left.</param>
public sealed class RbdCapture(
    BackupJob job, RbdClient cluster, PendingSnapshotDeletions pendingDeletions, ILogger log) : IAsyncDisposable
{
    private readonly List<BackupImage> begun = [];
    private readonly ConcurrentBag<BackupImage> uncertain = [];
    private readonly ConcurrentBag<BackupImage> refused = [];
    private readonly List<string> left = [];

    /// <summary>Snapshots that could not be removed, with the commands that remove them.</summary>
    public IReadOnlyList<string> Left => left;

    public bool IsEmpty => job.Images.Count == 0;

    /// <summary>For the journal: the snapshots that will be created.</summary>
    public static IReadOnlyList<JournalImage> Intent(BackupJob job) =>
        [.. Made(job).Select(image => Intent(job, image))];

    /// <summary>Takes all snapshots at once.</summary>
    /// <param name="limit">The time limit of each: a guest may be frozen, and a full pool never answers.</param>
    /// <exception cref="CephException">One could not be created.</exception>
    public async Task CreateAsync(TimeSpan limit)
    {
        // A failed call may still have been carried out.
        begun.AddRange(Made(job));
        await Task.WhenAll(Made(job).Select(image => CreateAsync(image, limit)));
    }

    /// <summary>Keeps the snapshots: they belong to a backup now.</summary>
    public void Keep() => begun.Clear();

    // Snapshots of another program are never removed.
    private static IEnumerable<BackupImage> Made(BackupJob job) => job.Images.Where(image => image.ExternalId is null);

    public async ValueTask DisposeAsync()
    {
        foreach (BackupImage image in begun.Except(refused))
        {
            try
            {
                bool wasThere = await cluster.RemoveSnapshotAsync(
                    image.Location, image.SnapshotName, CancellationToken.None);
                if (!wasThere && uncertain.Contains(image))
                {
                    // It may still appear: QEMU creates it on request when it holds the image's lock.
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
            end = $"The next run, or {OverlayAdvice.Recover} , removes it when the cluster answers";
        }
        catch (JournalingException problem)
        {
            end = $"The next run cannot be informed either: {problem.Message.TrimEnd('.')}. Remove it with: "
                + RbdAdvice.RemoveSnapshot(image.Location, image.SnapshotName);
        }

        left.Add($"the snapshot {name} may be left in the cluster: {Failure.Describe(failure).TrimEnd('.')}. {end}");
        log.Warning("{Domain}: {Message}", job.Name, left[^1]);
    }
}
