namespace KvmBackup.Ceph;

/// <summary>What a list of changes must be before it is believed, and the extents that it makes.</summary>
internal static class RbdChanges
{
    /// <exception cref="CephException">They are out of order, overlap, or reach beyond the image.</exception>
    public static void EnsureSound(IReadOnlyList<ImageChange> changes, long sizeBytes, string image)
    {
        long end = 0;
        foreach (ImageChange change in changes)
        {
            if (change.OffsetBytes < end || change.LengthBytes <= 0 || change.OffsetBytes > sizeBytes - change.LengthBytes)
            {
                throw new CephException(
                    $"The changes of {image} cannot be: {change.LengthBytes} bytes at {change.OffsetBytes}, after others "
                    + $"that end at {end}, in {sizeBytes} bytes. Nothing was stored.");
            }

            end = change.EndBytes;
        }
    }

    /// <summary>The runs of data; gaps smaller than a bound are taken into them.</summary>
    public static IReadOnlyList<Extent> DataExtents(IReadOnlyList<ImageChange> changes, long smallestHoleBytes)
    {
        List<Extent> extents = [];
        foreach (ImageChange change in changes.Where(change => change.IsData))
        {
            bool continues = extents.Count > 0 && change.OffsetBytes - extents[^1].EndBytes < smallestHoleBytes;
            if (continues)
            {
                extents[^1] = extents[^1] with { LengthBytes = change.EndBytes - extents[^1].OffsetBytes };
            }
            else
            {
                extents.Add(new Extent(change.OffsetBytes, change.LengthBytes));
            }
        }

        return extents;
    }
}
