using KvmBackup.Disks;
using KvmBackup.Model;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>
/// Holds the RBD images of a domain at one instant, each by a snapshot. Leaving the scope removes the snapshots again, unless
/// the backup was published that the next one may stand on.
/// </summary>
public sealed class PinnedImages(PreparedJob job, RbdClient cluster, ILogger log) : IAsyncDisposable
{
    private readonly List<TakenImage> begun = [];
    private readonly List<string> left = [];

    /// <summary>What could not be removed, with the commands to type.</summary>
    public IReadOnlyList<string> Left => left;

    public bool IsEmpty => job.Images.Count == 0;

    /// <summary>Takes all snapshots at once.</summary>
    /// <param name="limit">How long each may take: a guest may be frozen meanwhile, and a full pool answers never.</param>
    /// <exception cref="DisksException">One was not taken.</exception>
    public async Task CreateAsync(TimeSpan limit)
    {
        // A call that failed may have been carried out all the same.
        begun.AddRange(job.Images);
        await Task.WhenAll(job.Images.Select(
            image => cluster.CreateSnapshotAsync(image.Location, image.SnapshotName, limit, CancellationToken.None)));
    }

    /// <summary>From now on the snapshots belong to a backup.</summary>
    public void Keep() => begun.Clear();

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
                log.Warning("{Domain}: {Message}", job.Facts.Name, left[^1]);
            }
        }

        begun.Clear();
    }
}
