using KvmBackup.Archiving.Tar;

namespace KvmBackup.Archiving;

/// <summary>What is asked of extents: whether they are sound, which lies where, and that tar can hold them.</summary>
internal static class ExtentList
{
    /// <summary>Ascending, not overlapping, none empty, all within the size: then no sum overflows.</summary>
    public static bool AreSound(IReadOnlyList<Extent> extents, long sizeBytes)
    {
        long freeFrom = 0;
        foreach (Extent extent in extents)
        {
            if (extent.OffsetBytes < freeFrom || extent.LengthBytes <= 0
                || extent.OffsetBytes > sizeBytes || extent.LengthBytes > sizeBytes - extent.OffsetBytes)
            {
                return false;
            }

            freeFrom = extent.EndBytes;
        }

        return true;
    }

    /// <summary>
    /// Widens extents to whole tar blocks: GNU tar reads each extent of a sparse member from a block of its own, which
    /// the description of the format does not say, so that only the end of the file may lie within a block.
    /// </summary>
    public static IReadOnlyList<Extent> WidenToBlocks(IReadOnlyList<Extent> extents, long sizeBytes)
    {
        List<Extent> widened = new(extents.Count);
        foreach (Extent extent in extents)
        {
            long start = extent.OffsetBytes / TarHeader.BlockBytes * TarHeader.BlockBytes;
            long end = Math.Min(sizeBytes, TarHeader.PaddedLength(extent.EndBytes));
            if (widened.Count > 0 && widened[^1].EndBytes >= start)
            {
                start = widened[^1].OffsetBytes;
                widened.RemoveAt(widened.Count - 1);
            }

            widened.Add(new Extent(start, end - start));
        }

        return widened;
    }

    /// <summary>Extents in any order, as ascending ones that do not touch.</summary>
    public static IReadOnlyList<Extent> Join(IEnumerable<Extent> extents)
    {
        List<Extent> joined = [];
        foreach (Extent extent in extents.OrderBy(extent => extent.OffsetBytes))
        {
            if (joined.Count > 0 && joined[^1].EndBytes >= extent.OffsetBytes)
            {
                joined[^1] = joined[^1] with { LengthBytes = Math.Max(joined[^1].EndBytes, extent.EndBytes) - joined[^1].OffsetBytes };
            }
            else
            {
                joined.Add(extent);
            }
        }

        return joined;
    }

    /// <summary>Index of the first extent that ends after an offset; the count when there is none.</summary>
    public static int FirstEndingAfter(IReadOnlyList<Extent> extents, long offsetBytes) =>
        Bisection.First(extents.Count, index => extents[index].EndBytes > offsetBytes);
}
