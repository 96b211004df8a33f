namespace KvmBackup.Planning;

/// <summary>
/// Decides which increment becomes a full backup, so that the full backup below it, which is kept only for the chain,
/// can
/// be removed. An increment is merged only when a full backup is released in exchange.
/// </summary>
public static class MergePlanner
{
    /// <summary>The backups of a chain are read in parallel, each with its own memory: a longer chain takes several
    /// steps.</summary>
    private const int MaximumLinks = 12;

    /// <param name="policy">The retention policy.</param>
    /// <param name="proof">The newest good backup.</param>
    /// <param name="all">The complete backups of the directory.</param>
    /// <returns>The next step; null when there is nothing to merge.</returns>
    public static MergePlan? Plan(RetentionPolicy policy, CompletedBackup proof, IReadOnlyList<CompletedBackup> all)
    {
        CompletedBackup[] kept = [.. RetentionPlanner.Decide(policy, proof, all).Verdicts
            .Where(verdict => verdict is { IsKept: true, NeededBy: null }
                && verdict.Backup.Manifest.DomainUuid == proof.Manifest.DomainUuid)
            .Select(verdict => verdict.Backup).OrderBy(backup => backup.Id)];
        foreach (CompletedBackup candidate in kept)
        {
            if (Increments(candidate).Any() && FindStep(candidate, all) is { IsProtected: false } point
    && ReleasesFull(point, policy, proof, all))
            {
                ImageAssembly[] images =
                    [.. Increments(point).Select(disk => ImageAssembly.Plan(point, disk.Target, all))];
                IEnumerable<CompletedBackup> sources =
                    images.SelectMany(image => image.Links).Select(link => link.Backup);
                return new MergePlan(
                    point, images, [.. sources.DistinctBy(link => link.Id).OrderBy(link => link.Id)]);
            }
        }

        return null;
    }

    /// <summary>The candidate, or an increment below it with a shorter chain; null when a chain is broken.</summary>
    private static CompletedBackup? FindStep(CompletedBackup candidate, IReadOnlyList<CompletedBackup> all)
    {
        CompletedBackup? step = candidate;
        foreach (ManifestDisk disk in Increments(candidate))
        {
            IReadOnlyList<CompletedBackup>? chain = ChainPlanner.Find(candidate, disk.Target, all);
            step = chain is null || step is null ? null
                : chain.Count > MaximumLinks && chain[MaximumLinks - 1].Id < step.Id ? chain[MaximumLinks - 1] : step;
        }

        return step;
    }

    private static bool ReleasesFull(
        CompletedBackup point, RetentionPolicy policy, CompletedBackup proof, IReadOnlyList<CompletedBackup> all)
    {
        CompletedBackup merged = point with { Manifest = Merged(point.Manifest) };
        CompletedBackup[] after = [.. all.Select(backup => IsSame(backup, point) ? merged : backup)];
        RetentionDecision decision = RetentionPlanner.Decide(policy, IsSame(proof, point) ? merged : proof, after);
        CompletedBackup[] removed = [.. decision.Verdicts
            .Where(verdict => !verdict.IsKept).Select(verdict => verdict.Backup)];
        return Increments(point).Any() && Increments(point).All(
            disk => ChainPlanner.Find(point, disk.Target, all) is { } chain
                && removed.Any(backup => IsSame(backup, chain[0])));
    }

    private static bool IsSame(CompletedBackup left, CompletedBackup right) =>
        left.Id == right.Id && left.Manifest.DomainUuid == right.Manifest.DomainUuid;

    private static IEnumerable<ManifestDisk> Increments(CompletedBackup backup) =>
        backup.Manifest.Disks.Where(disk => disk.Kind != BackupKind.Full);

    private static Manifest Merged(Manifest manifest) => manifest with
    {
        Kind = BackupKind.Full,
        Disks = [.. manifest.Disks.Select(disk => disk.Kind == BackupKind.Full ? disk
            : disk with { Kind = BackupKind.Full, Image = MergePlan.WithoutBase(disk.Image!) })],
    };
}

/// <summary>The merge of an increment with its bases into a full backup, without the source.</summary>
/// <param name="Point">The increment.</param>
/// <param name="Images">The assembly of each of its incremental disks.</param>
/// <param name="From">The backups to read, the oldest first, the increment last.</param>
public sealed record MergePlan(
    CompletedBackup Point, IReadOnlyList<ImageAssembly> Images, IReadOnlyList<CompletedBackup> From)
{
    /// <summary>Estimate of the new archive's size: at most the sum of its sources.</summary>
    public long LikelyBytes => From.Sum(backup => backup.Manifest.Archive.SizeBytes);

    /// <summary>Bytes of data to read.</summary>
    public long DataBytes =>
        Images.Sum(image => image.DataBytes) + Point.Manifest.Members.Sum(member => member.DataBytes);

    /// <summary>The manifest's entry of a disk that becomes full.</summary>
    /// <param name="disk">The entry in the increment's manifest.</param>
    /// <param name="member">The member that holds the complete image.</param>
    public static ManifestDisk Full(ManifestDisk disk, ArchiveMember member) => disk with
    {
        Kind = BackupKind.Full,
        Layers = [disk.Layers[0] with
        {
            FileName = ManifestImage.MemberName(disk.Target, isFull: true),
            Format = "raw",
            Xxh128 = member.ContentXxh128,
            SizeBytes = member.SizeBytes,
        }],
        Image = WithoutBase(disk.Image!),
    };

    /// <summary>The image of a full backup.</summary>
    internal static ManifestImage WithoutBase(ManifestImage image) =>
        image with { BaseBackup = null, BaseSnapshot = null, Changes = [] };
}
