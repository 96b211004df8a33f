namespace KvmBackup.Ceph;

/// <summary>Checks a list of changes, and converts it to extents.</summary>
internal static class RbdChanges
{
    /// <exception cref="CephException">They are out of order, overlap, or reach beyond the image.</exception>
    public static void EnsureSound(IReadOnlyList<ImageChange> changes, long sizeBytes, string image)
    {
        long end = 0;
        foreach (ImageChange change in changes)
        {
            if (change.OffsetBytes < end || change.LengthBytes <= 0
                || change.OffsetBytes > sizeBytes - change.LengthBytes)
            {
                throw new CephException(
                    $"The changes of {image} are invalid: {change.LengthBytes} bytes at {change.OffsetBytes}, after "
                    + $"others that end at {end}, in {sizeBytes} bytes. Nothing was stored.");
            }

            end = change.EndBytes;
        }
    }

    /// <summary>The extents of data; smaller holes are included.</summary>
    public static IReadOnlyList<Extent> DataExtents(IReadOnlyList<ImageChange> changes, long smallestHoleBytes) =>
        Extent.Coalesce(
            changes.Where(change => change.IsData)
                .Select(change => new Extent(change.OffsetBytes, change.LengthBytes)),
            smallestHoleBytes);
}
