namespace KvmBackup.Planning;

/// <summary>
/// Decides which increment becomes a full backup, so that the full one below it, which only the chain still keeps, can go.
/// Nothing is merged that lets no full backup go: that would cost a full backup more.
/// </summary>
public static class MergePlanner
{
    /// <summary>Each backup of a chain is read at the same time, with memory of its own: a longer chain takes several steps.</summary>
    private const int MostLinks = 12;

    /// <param name="policy">How long backups stay.</param>
    /// <param name="proof">The newest good backup.</param>
    /// <param name="all">The whole backups of the directory.</param>
    /// <returns>The next step; null when there is nothing to merge.</returns>
    public static MergePlan? Plan(RetentionPolicy policy, CompletedBackup proof, IReadOnlyList<CompletedBackup> all)
    {
        CompletedBackup[] kept = [.. RetentionPlanner.Decide(policy, proof, all).Verdicts
            .Where(verdict => verdict is { IsKept: true, NeededBy: null } && verdict.Backup.Manifest.DomainUuid == proof.Manifest.DomainUuid)
            .Select(verdict => verdict.Backup).OrderBy(backup => backup.Id)];
        foreach (CompletedBackup candidate in kept)
        {
            if (Increments(candidate).Any() && FindStep(candidate, all) is { IsProtected: false } point
                && LetsFullGo(point, policy, proof, all))
            {
                ImageAssembly[] images = [.. Increments(point).Select(disk => ImageAssembly.Plan(point, disk.Target, all))];
                return new MergePlan(
                    point, images, [.. images.SelectMany(image => image.Links).Select(link => link.Backup).DistinctBy(link => link.Id)
                        .OrderBy(link => link.Id)]);
            }
        }

        return null;
    }

    /// <summary>The point itself, or one below it that fewer backups lead to; null when a chain is broken.</summary>
    private static CompletedBackup? FindStep(CompletedBackup candidate, IReadOnlyList<CompletedBackup> all)
    {
        CompletedBackup? step = candidate;
        foreach (ManifestDisk disk in Increments(candidate))
        {
            IReadOnlyList<CompletedBackup>? chain = ChainPlanner.Find(candidate, disk.Target, all);
            step = chain is null || step is null ? null
                : chain.Count > MostLinks && chain[MostLinks - 1].Id < step.Id ? chain[MostLinks - 1] : step;
        }

        return step;
    }

    private static bool LetsFullGo(
        CompletedBackup point, RetentionPolicy policy, CompletedBackup proof, IReadOnlyList<CompletedBackup> all)
    {
        CompletedBackup merged = point with { Manifest = Merged(point.Manifest) };
        CompletedBackup[] after = [.. all.Select(backup => IsSame(backup, point) ? merged : backup)];
        CompletedBackup[] gone = [.. RetentionPlanner.Decide(policy, IsSame(proof, point) ? merged : proof, after).Verdicts
            .Where(verdict => !verdict.IsKept).Select(verdict => verdict.Backup)];
        return Increments(point).Any()
            && Increments(point).All(disk => ChainPlanner.Find(point, disk.Target, all) is { } chain && gone.Any(one => IsSame(one, chain[0])));
    }

    private static bool IsSame(CompletedBackup one, CompletedBackup other) =>
        one.Id == other.Id && one.Manifest.DomainUuid == other.Manifest.DomainUuid;

    private static IEnumerable<ManifestDisk> Increments(CompletedBackup backup) =>
        backup.Manifest.Disks.Where(disk => disk.Kind != BackupKind.Full);

    private static Manifest Merged(Manifest manifest) => manifest with
    {
        Kind = BackupKind.Full,
        Disks = [.. manifest.Disks.Select(disk => disk.Kind == BackupKind.Full ? disk
            : disk with { Kind = BackupKind.Full, Image = MergePlan.Whole(disk.Image!) })],
    };
}

/// <summary>An increment that becomes a full backup, out of what it stands on and without its source.</summary>
/// <param name="Point">The increment.</param>
/// <param name="Images">How each of its disks that is an increment is put together.</param>
/// <param name="From">All backups that are read, the oldest first, the increment last.</param>
public sealed record MergePlan(
    CompletedBackup Point, IReadOnlyList<ImageAssembly> Images, IReadOnlyList<CompletedBackup> From)
{
    /// <summary>About what the new archive needs: no more than those that it is made of.</summary>
    public long LikelyBytes => From.Sum(backup => backup.Manifest.Archive.SizeBytes);

    /// <summary>Bytes of data that are read for it.</summary>
    public long DataBytes => Images.Sum(image => image.DataBytes) + Point.Manifest.Members.Sum(member => member.DataBytes);

    /// <summary>What the manifest says of a disk that is no longer an increment.</summary>
    /// <param name="disk">As the increment's manifest has it.</param>
    /// <param name="member">The member that holds the whole image.</param>
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
        Image = Whole(disk.Image!),
    };

    /// <summary>The image of a backup that stands on nothing.</summary>
    internal static ManifestImage Whole(ManifestImage image) => image with { BaseBackup = null, BaseSnapshot = null, Changes = [] };
}
