using KvmBackup.Disks;
using KvmBackup.Journaling;
using KvmBackup.Model;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>
/// Holds the RBD images of a backup at one instant, each by a snapshot. Leaving the scope removes the snapshots again, unless
/// the backup was published that the next one may stand on.
/// </summary>
public sealed class PinnedImages(BackupJob job, RbdClient cluster, ILogger log) : IAsyncDisposable
{
    private readonly List<TakenImage> begun = [];
    private readonly List<string> left = [];

    /// <summary>What could not be removed, with the commands to type.</summary>
    public IReadOnlyList<string> Left => left;

    public bool IsEmpty => job.Images.Count == 0;

    /// <summary>For the journal: the snapshots that are to be made.</summary>
    public static IReadOnlyList<JournalImage> Intent(BackupJob job) => [.. Made(job).Select(image => new JournalImage(
        image.Source.Image, image.Source.Monitors, image.Source.User, image.Source.Secret,
        job.Terms.Ceph.ConfigurationPath, job.Terms.Ceph.User, job.Terms.Ceph.KeyringPath, image.SnapshotName))];

    /// <summary>Takes all snapshots at once.</summary>
    /// <param name="limit">How long each may take: a guest may be frozen meanwhile, and a full pool answers never.</param>
    /// <exception cref="DisksException">One was not taken.</exception>
    public async Task CreateAsync(TimeSpan limit)
    {
        // A call that failed may have been carried out all the same.
        begun.AddRange(Made(job));
        await Task.WhenAll(Made(job).Select(
            image => cluster.CreateSnapshotAsync(image.Location, image.SnapshotName, limit, CancellationToken.None)));
    }

    /// <summary>From now on the snapshots belong to a backup.</summary>
    public void Keep() => begun.Clear();

    // What somebody else made is theirs to remove.
    private static IEnumerable<TakenImage> Made(BackupJob job) => job.Images.Where(image => image.ExternalId is null);

    public async ValueTask DisposeAsync()
    {
        foreach (TakenImage image in begun)
        {
            try
            {
                _ = await cluster.RemoveSnapshotAsync(image.Location, image.SnapshotName, CancellationToken.None);
            }
            catch (KvmBackupException failure)
            {
                left.Add(
                    $"the snapshot {image.Source.Image}@{image.SnapshotName} may be left in the cluster: {failure.Message.TrimEnd('.')}. Look "
                    + $"with rbd snap ls {ShellWord.Quote(image.Source.Image.Spec)}, remove it with rbd snap rm "
                    + ShellWord.Quote($"{image.Source.Image}@{image.SnapshotName}"));
                log.Warning("{Domain}: {Message}", job.Name, left[^1]);
            }
        }

        begun.Clear();
    }
}
