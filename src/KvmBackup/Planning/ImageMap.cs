namespace KvmBackup.Planning;

/// <summary>
/// Determines which bytes of each backup of a chain are visible at its end. So an image is assembled in one pass,
/// each byte
/// is written once, and zeros are never written.
/// </summary>
public static class ImageMap
{
    /// <param name="chain">The full backup first, the requested point last.</param>
    /// <returns>For each backup of the chain the runs of its data that no later one changes, ascending.</returns>
    public static IReadOnlyList<IReadOnlyList<Extent>> Visible(IReadOnlyList<ImagePoint> chain)
    {
        IReadOnlyList<Extent>[] visible = new IReadOnlyList<Extent>[chain.Count];
        IReadOnlyList<Extent> hidden = [];
        long limit = long.MaxValue;
        for (int index = chain.Count - 1; index >= 0; index--)
        {
            // Data beyond the end are lost when the image shrinks, even when it grows again later.
            limit = Math.Min(limit, chain[index].SizeBytes);
            IReadOnlyList<ImageChange> changes = chain[index].Changes;
            visible[index] = Subtract(Cut(changes.Where(change => change.IsData), limit), hidden);
            hidden = Union(hidden, Cut(changes, limit));
        }

        return visible;
    }

    private static List<Extent> Cut(IEnumerable<ImageChange> changes, long limit) =>
        [.. changes.Where(change => change.OffsetBytes < limit)
            .Select(change => new Extent(
                change.OffsetBytes, Math.Min(change.LengthBytes, limit - change.OffsetBytes)))];

    private static List<Extent> Subtract(List<Extent> extents, IReadOnlyList<Extent> hidden)
    {
        List<Extent> rest = [];
        int next = 0;
        foreach (Extent extent in extents)
        {
            long offset = extent.OffsetBytes;
            while (next < hidden.Count && hidden[next].EndBytes <= offset)
            {
                next++;
            }

            for (int index = next; index < hidden.Count && hidden[index].OffsetBytes < extent.EndBytes; index++)
            {
                Add(rest, offset, hidden[index].OffsetBytes);
                offset = Math.Max(offset, hidden[index].EndBytes);
            }

            Add(rest, offset, extent.EndBytes);
        }

        return rest;
    }

    private static List<Extent> Union(IReadOnlyList<Extent> first, List<Extent> second) =>
        Extent.Coalesce(first.Concat(second).OrderBy(extent => extent.OffsetBytes));

    private static void Add(List<Extent> extents, long offset, long end)
    {
        if (end > offset)
        {
            extents.Add(new Extent(offset, end - offset));
        }
    }
}
