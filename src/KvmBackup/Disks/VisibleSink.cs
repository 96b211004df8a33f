using KvmBackup.Model;

namespace KvmBackup.Disks;

/// <summary>Lets through only those bytes of an image that are still to be seen.</summary>
/// <param name="image">Takes them.</param>
/// <param name="visible">Ascending, not overlapping.</param>
public sealed class VisibleSink(IExtentSink image, IReadOnlyList<Extent> visible) : IExtentSink
{
    public async ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        long end = offsetBytes + data.Length;
        for (int index = FirstAfter(offsetBytes); index < visible.Count && visible[index].OffsetBytes < end; index++)
        {
            long from = Math.Max(offsetBytes, visible[index].OffsetBytes);
            long to = Math.Min(end, visible[index].EndBytes);
            await image.WriteAsync(from, data[(int)(from - offsetBytes)..(int)(to - offsetBytes)], cancellationToken);
        }
    }

    /// <summary>The first run that ends after an offset.</summary>
    private int FirstAfter(long offsetBytes)
    {
        int low = 0;
        for (int high = visible.Count; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = visible[middle].EndBytes > offsetBytes ? (low, middle) : (middle + 1, high);
        }

        return low;
    }
}
