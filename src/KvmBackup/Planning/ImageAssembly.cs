namespace KvmBackup.Planning;

/// <summary>The assembly of one point in time of an image from the backups of its chain.</summary>
/// <param name="Target">The disk.</param>
/// <param name="SizeBytes">Size of the image at that point.</param>
/// <param name="Links">The backups of the chain, the full one first.</param>
public sealed record ImageAssembly(DiskTarget Target, long SizeBytes, IReadOnlyList<AssemblyLink> Links)
{
    /// <summary>Bytes of data to write.</summary>
    public long DataBytes => Links.Sum(link => link.Visible.Sum(extent => extent.LengthBytes));

    /// <summary>The assembly of a run of the image; backups without data in the run are left out.</summary>
    public ImageAssembly Within(Extent run) => this with
    {
        Links = [.. Links.Select(link => link.Within(run)).Where(link => link.Visible.Count > 0)],
    };

    /// <param name="backup">The requested point.</param>
    /// <param name="target">A disk of it that was an RBD image.</param>
    /// <param name="all">The complete backups of the same domain.</param>
    /// <exception cref="PlanningException">A backup of the chain is missing.</exception>
    public static ImageAssembly Plan(CompletedBackup backup, DiskTarget target, IReadOnlyList<CompletedBackup> all)
    {
        IReadOnlyList<CompletedBackup> chain = ChainPlanner.Find(backup, target, all) ?? throw new PlanningException(
            $"{backup.Domain}@{backup.Id}: disk {target} holds only the changes since "
            + $"{Disk(backup, target).Image?.BaseBackup}, and a backup that it depends on is missing or not usable. "
            + "Put it back beside this one, or restore an older backup: kvmbackup list "
            + $"{ShellWord.Quote(backup.Domain.Value)}");
        IReadOnlyList<IReadOnlyList<Extent>> visible =
            ImageMap.Visible([.. chain.Select(link => PointOf(link, target))]);
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

/// <summary>One backup of an image in its chain.</summary>
/// <param name="SizeBytes">Size of the image at that instant.</param>
/// <param name="Changes">The changes in the backup; for a full one all data, ascending.</param>
public sealed record ImagePoint(long SizeBytes, IReadOnlyList<ImageChange> Changes);

/// <summary>The part of an image that one backup of a chain supplies.</summary>
/// <param name="Backup">The backup.</param>
/// <param name="Visible">The runs of its data that no later backup of the chain changes.</param>
public sealed record AssemblyLink(CompletedBackup Backup, IReadOnlyList<Extent> Visible)
{
    /// <summary>The part within a run of the image.</summary>
    public AssemblyLink Within(Extent run) => this with
    {
        Visible =
        [
            .. Visible.Where(extent => extent.EndBytes > run.OffsetBytes && extent.OffsetBytes < run.EndBytes)
                .Select(extent =>
                {
                    long start = Math.Max(extent.OffsetBytes, run.OffsetBytes);
                    return new Extent(start, Math.Min(extent.EndBytes, run.EndBytes) - start);
                }),
        ],
    };
}
