namespace KvmBackup.Planning;

/// <summary>
/// Decides whether an RBD image is backed up whole or by its changes. When anything about the base is in doubt it is whole.
/// </summary>
public static class ChainPlanner
{
    /// <param name="disk">The disk.</param>
    /// <param name="image">What the cluster says of its image.</param>
    /// <param name="snapshots">The image's snapshots.</param>
    /// <param name="policy">When a full one is due; null is every time.</param>
    /// <param name="own">The whole backups of this guest, the newest first.</param>
    /// <param name="id">The backup that is to be made.</param>
    public static ChainDecision Decide(
        DiskTarget disk, RbdImageFacts image, IReadOnlyList<RbdSnapshot> snapshots, ChainPolicy? policy,
        IReadOnlyList<CompletedBackup> own, BackupId id)
    {
        // A base must be older than what depends on it. A later one was made while a clock was wrong.
        own = [.. own.Where(backup => backup.Id < id)];
        if (policy is null || own.Count == 0)
        {
            return new ChainDecision(null, null);
        }

        if (ImageOf(own[0], disk) is not { } newest)
        {
            return Full($"the backup before it, {own[0].Id}, does not hold its image");
        }

        if (newest.ImageId != image.Id)
        {
            return Full($"the image {newest.Image} was made anew since the backup {own[0].Id}");
        }

        IReadOnlyList<CompletedBackup>? chain = Find(own[0], disk, own);
        if (chain is null)
        {
            return Full($"what the backup {own[0].Id} stands on is no longer there");
        }

        CompletedBackup full = chain[0];
        if (chain.Count >= policy.Points || id.Instant - full.Id.Instant >= policy.Age)
        {
            return new ChainDecision(null, null);
        }

        CompletedBackup dependency = policy.IsDifferential ? full : own[0];
        string snapshot = ImageOf(dependency, disk)!.Snapshot;
        long? snapshotId = ImageOf(dependency, disk)!.SnapshotId;
        return snapshots.Any(other => other.Name == snapshot && (snapshotId is null || other.Id == snapshotId))
            ? new ChainDecision(
                new ChainBase(policy.IsDifferential ? BackupKind.Differential : BackupKind.Incremental, dependency.Id, snapshot)
                {
                    SnapshotId = snapshotId,
                },
                null)
            : Full($"the snapshot of the backup {dependency.Id} is gone from the cluster ({newest.Image}@{snapshot})");

        ChainDecision Full(string why) => new(null, $"disk {disk} is backed up whole: {why}");
    }

    /// <summary>All backups that one disk of a backup cannot be restored without, the full one first, itself last.</summary>
    /// <returns>The chain; null when one of them is missing.</returns>
    public static IReadOnlyList<CompletedBackup>? Find(
        CompletedBackup backup, DiskTarget disk, IReadOnlyList<CompletedBackup> all)
    {
        List<CompletedBackup> chain = [backup];
        while (ImageOf(chain[0], disk) is { BaseBackup: { } older } image)
        {
            // Each is older than the last by the rules of a manifest, so this ends.
            CompletedBackup? link = all.FirstOrDefault(
                other => other.Id == older && other.Manifest.DomainUuid == backup.Manifest.DomainUuid);
            if (link is null || ImageOf(link, disk) is not { } below || !image.DependsOn(below))
            {
                return null;
            }

            chain.Insert(0, link);
        }

        return ImageOf(chain[0], disk) is null ? null : chain;
    }

    private static ManifestImage? ImageOf(CompletedBackup backup, DiskTarget disk) =>
        backup.Manifest.Disks.FirstOrDefault(other => other.Target == disk)?.Image;
}

/// <summary>Whether a disk is backed up by its changes.</summary>
/// <param name="Base">What an increment stands on; null is a full backup.</param>
/// <param name="Notice">Why it is full although an increment was wanted; null when that is the usual course.</param>
public sealed record ChainDecision(ChainBase? Base, string? Notice);
