using KvmBackup.Model;

namespace KvmBackup.Archiving;

/// <summary>Questions to a list of extents: whether it is sound, and which extent comes after a place.</summary>
internal static class ExtentSearch
{
    /// <summary>Ascending, not touching, none empty, all within the size; sums cannot overflow when this holds.</summary>
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

    /// <summary>Index of the first extent that ends after an offset; the count when there is none.</summary>
    public static int FirstEndingAfter(IReadOnlyList<Extent> extents, long offsetBytes)
    {
        int low = 0;
        int high = extents.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (extents[middle].EndBytes > offsetBytes)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }
}
