namespace KvmBackup.Planning;

/// <summary>
/// Decides whether the backup of an RBD image is full or an increment. Any doubt about the base makes it full.
/// </summary>
public static class ChainPlanner
{
    /// <param name="disk">The disk.</param>
    /// <param name="image">The image as described by the cluster.</param>
    /// <param name="snapshots">The image's snapshots.</param>
    /// <param name="policy">When a full backup is due; null is every time.</param>
    /// <param name="own">The complete backups of this guest, the newest first.</param>
    /// <param name="id">The backup to be made.</param>
    public static ChainDecision Decide(
        DiskTarget disk, RbdImageFacts image, IReadOnlyList<RbdSnapshot> snapshots, ChainPolicy? policy,
        IReadOnlyList<CompletedBackup> own, BackupId id)
    {
        // A base must be older than the backups that depend on it. A later one was made while a clock was wrong.
        own = [.. own.Where(backup => backup.Id < id)];
        if (policy is null || own.Count == 0)
        {
            return new ChainDecision(null, null);
        }

        if (ImageOf(own[0], disk) is not { } newest)
        {
            return Full($"the previous backup, {own[0].Id}, does not hold its image");
        }

        if (newest.ImageId != image.Id)
        {
            return Full($"the image {newest.Image} was created again after the backup {own[0].Id}");
        }

        IReadOnlyList<CompletedBackup>? chain = Find(own[0], disk, own);
        if (chain is null)
        {
            return Full($"a backup that {own[0].Id} depends on is missing");
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
                new ChainBase(
                    policy.IsDifferential ? BackupKind.Differential : BackupKind.Incremental, dependency.Id, snapshot)
                {
                    SnapshotId = snapshotId,
                },
                null)
            : Full($"the snapshot of the backup {dependency.Id} is missing from the cluster "
                + $"({newest.Image}@{snapshot})");

        ChainDecision Full(string reason) => new(null, $"disk {disk} gets a full backup: {reason}");
    }

    /// <summary>The backups that the restore of one disk requires, the full one first, the given one last.</summary>
    /// <returns>The chain; null when a backup is missing.</returns>
    public static IReadOnlyList<CompletedBackup>? Find(
        CompletedBackup backup, DiskTarget disk, IReadOnlyList<CompletedBackup> all)
    {
        List<CompletedBackup> chain = [backup];
        while (ImageOf(chain[0], disk) is { BaseBackup: { } older } image)
        {
            // Terminates: the rules for manifests require each base to be older than its increment.
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

/// <summary>Whether a disk's backup is an increment.</summary>
/// <param name="Base">The base of the increment; null for a full backup.</param>
/// <param name="Notice">Why the backup is full instead of an increment; null when it is full by policy.</param>
public sealed record ChainDecision(ChainBase? Base, string? Notice);
