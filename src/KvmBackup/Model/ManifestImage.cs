namespace KvmBackup.Model;

/// <summary>The RBD image behind a disk of a backup, and what the backup stands on.</summary>
/// <param name="Image">Its name, <c>pool/image</c> or <c>pool/namespace/image</c>.</param>
/// <param name="ImageId">Who it was: one that is made anew under the same name has another.</param>
/// <param name="Snapshot">The snapshot that was read.</param>
/// <param name="BaseBackup">The backup that this one cannot be restored without; null for a full one.</param>
/// <param name="BaseSnapshot">That backup's snapshot; null for a full one.</param>
/// <param name="Changes">What the increment holds, in the order of its stream; empty for a full one.</param>
public sealed record ManifestImage(
    RbdImage Image, string ImageId, string Snapshot, BackupId? BaseBackup, string? BaseSnapshot,
    IReadOnlyList<ImageChange> Changes)
{
    /// <summary>The name of the member that holds an image or its changes, below the domain's folder.</summary>
    public static string MemberName(DiskTarget target, bool isFull) =>
        isFull ? $"{target}.raw" : $"{target}.{ManifestLayer.RbdDiffFormat}";

    /// <summary>Whether these changes lead on from that point of the same image.</summary>
    public bool StandsOn(ManifestImage below) => ImageId == below.ImageId && BaseSnapshot == below.Snapshot;

    /// <summary>The ID of a snapshot that somebody else had made, whose name may come again; null for our own.</summary>
    public long? SnapshotId { get; init; }
}
