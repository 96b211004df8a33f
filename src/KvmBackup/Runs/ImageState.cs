using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>What a cluster said of an image, all asked at once.</summary>
/// <param name="Location">The image, and the way to it.</param>
/// <param name="Facts">What it is.</param>
/// <param name="Snapshots">The snapshots that users made, the oldest first.</param>
public sealed record ImageState(RbdLocation Location, RbdImageFacts Facts, IReadOnlyList<RbdSnapshot> Snapshots)
{
    /// <summary>The snapshot of somebody else's that is to be read; null for one of our own.</summary>
    public RbdSnapshot? External { get; init; }
}
