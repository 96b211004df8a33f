namespace KvmBackup.Hypervisor;

/// <summary>Merges the disks of a domain's two definitions: the live one and the one for the next start.</summary>
public static class DiskMerge
{
    /// <param name="live">The disks of the live definition.</param>
    /// <param name="next">The disks of the definition for the next start; those of a shut-off domain are the
    /// same.</param>
    /// <returns>The live disks in their order, then those that only the next start has.</returns>
    public static IReadOnlyList<DiskFacts> Merge(IReadOnlyList<DiskFacts> live, IReadOnlyList<DiskFacts> next) =>
    [
        .. live.Select(disk => Compare(disk, next)),
        .. next.Where(disk => live.All(other => other.Target != disk.Target)).Select(disk => disk with
        {
            Presence = DiskPresence.NextStartOnly,
            Difference = live.FirstOrDefault(other => IsSameSource(other, disk)) is { } used
                ? $"is {disk.SourceText} in the definition for the next start, which the running guest has as disk "
                    + $"{used.Target}" : null,
        }),
    ];

    private static DiskFacts Compare(DiskFacts disk, IReadOnlyList<DiskFacts> next)
    {
        DiskFacts? same = next.FirstOrDefault(other => other.Target == disk.Target);
        DiskFacts? renamed = next.FirstOrDefault(other => other.Target != disk.Target && IsSameSource(other, disk));
        return disk with
        {
            Presence = same is null ? DiskPresence.RunningOnly : DiskPresence.Both,
            Volume = same?.Volume,
            Difference = renamed is not null
                ? $"is {disk.SourceText} in the running guest, which the definition for the next start has as disk "
                    + $"{renamed.Target}"
                : same is not null && !IsSame(same, disk)
                ? $"is {disk.SourceText} in the running guest, and {same.SourceText} in the definition for the next "
                    + "start"
                : null,
        };
    }

    private static bool IsSame(DiskFacts one, DiskFacts other) =>
        one.SourceType == other.SourceType && one.SourcePath == other.SourcePath && one.Rbd?.Image == other.Rbd?.Image
        && (one.SourceType == DiskSourceType.None || one.Format == other.Format);

    private static bool IsSameSource(DiskFacts one, DiskFacts other) =>
        (one.SourcePath is not null && one.SourcePath == other.SourcePath)
        || (one.Rbd is not null && one.Rbd.Image == other.Rbd?.Image);
}
