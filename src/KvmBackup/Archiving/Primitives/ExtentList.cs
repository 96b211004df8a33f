namespace KvmBackup.Archiving.Primitives;

/// <summary>Functions over lists of extents.</summary>
internal static class ExtentList
{
    /// <summary>Whether extents ascend, do not overlap, are not empty and lie within the size; then no sum
    /// overflows.</summary>
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

    /// <summary>Merges extents of any order into ascending ones that do not touch.</summary>
    public static IReadOnlyList<Extent> Join(IEnumerable<Extent> extents) =>
        Extent.Coalesce(extents.OrderBy(extent => extent.OffsetBytes));

    /// <summary>Index of the first extent that ends after an offset; the count when there is none.</summary>
    public static int FirstEndingAfter(IReadOnlyList<Extent> extents, long offsetBytes) =>
        Bisection.First(extents.Count, index => extents[index].EndBytes > offsetBytes);
}
