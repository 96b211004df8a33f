namespace KvmBackup.Planning;

/// <summary>How one point of an image is put together from the backups of its chain.</summary>
/// <param name="Target">The disk.</param>
/// <param name="SizeBytes">Of the image at that point.</param>
/// <param name="Links">The full backup first.</param>
public sealed record ImageAssembly(DiskTarget Target, long SizeBytes, IReadOnlyList<AssemblyLink> Links)
{
    /// <summary>Bytes of data that are written.</summary>
    public long DataBytes => Links.Sum(link => link.Visible.Sum(extent => extent.LengthBytes));

    /// <summary>The same for a run of the image only: backups that give nothing to it are left out.</summary>
    public ImageAssembly Within(Extent run) => this with
    {
        Links = [.. Links.Select(link => link.Within(run)).Where(link => link.Visible.Count > 0)],
    };

    /// <param name="backup">The point that is wanted.</param>
    /// <param name="target">A disk of it that was an RBD image.</param>
    /// <param name="all">The whole backups of the same domain.</param>
    /// <exception cref="PlanningException">A backup that it stands on is not there.</exception>
    public static ImageAssembly Plan(CompletedBackup backup, DiskTarget target, IReadOnlyList<CompletedBackup> all)
    {
        IReadOnlyList<CompletedBackup> chain = ChainPlanner.Find(backup, target, all) ?? throw new PlanningException(
            $"{backup.Domain}@{backup.Id}: disk {target} holds only what changed since "
            + $"{Disk(backup, target).Image?.BaseBackup}, and a backup that it stands on is not here, or not usable. Put it back "
            + $"beside this one, or restore an older point: kvmbackup list {ShellWord.Quote(backup.Domain.Value)}");
        IReadOnlyList<IReadOnlyList<Extent>> visible = ImageMap.Visible([.. chain.Select(link => PointOf(link, target))]);
        return new ImageAssembly(
            target, Disk(backup, target).VirtualSizeBytes,
            [.. chain.Zip(visible, (link, extents) => new AssemblyLink(link, extents))]);
    }

    private static ImagePoint PointOf(CompletedBackup link, DiskTarget target)
    {
        ManifestDisk disk = Disk(link, target);
        return new ImagePoint(
            disk.VirtualSizeBytes,
            disk.Kind != BackupKind.Full ? disk.Image!.Changes
                : [.. link.Manifest.FindMember(disk.Layers[0].FileName)!.Extents
                    .Select(extent => new ImageChange(extent.OffsetBytes, extent.LengthBytes, IsData: true))]);
    }

    private static ManifestDisk Disk(CompletedBackup backup, DiskTarget target) =>
        backup.Manifest.Disks.Single(disk => disk.Target == target);
}

/// <summary>One backup of an image within its chain.</summary>
/// <param name="SizeBytes">Of the image at that instant.</param>
/// <param name="Changes">What it holds: all data of a full one, ascending.</param>
public sealed record ImagePoint(long SizeBytes, IReadOnlyList<ImageChange> Changes);

/// <summary>What one backup of a chain gives to an image.</summary>
/// <param name="Backup">The backup.</param>
/// <param name="Visible">The runs of its data that no later backup of the chain has changed.</param>
public sealed record AssemblyLink(CompletedBackup Backup, IReadOnlyList<Extent> Visible)
{
    /// <summary>The same for a run of the image only.</summary>
    public AssemblyLink Within(Extent run) => this with
    {
        Visible =
        [
            .. Visible.Where(extent => extent.EndBytes > run.OffsetBytes && extent.OffsetBytes < run.EndBytes).Select(extent =>
            {
                long start = Math.Max(extent.OffsetBytes, run.OffsetBytes);
                return new Extent(start, Math.Min(extent.EndBytes, run.EndBytes) - start);
            }),
        ],
    };
}
