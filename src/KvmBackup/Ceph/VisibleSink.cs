namespace KvmBackup.Ceph;

/// <summary>Writes only the bytes of a backup that no later backup of the chain has changed.</summary>
/// <param name="image">Receives them.</param>
/// <param name="visible">The visible extents, ascending, not overlapping.</param>
public sealed class VisibleSink(IExtentSink image, IReadOnlyList<Extent> visible) : IExtentSink
{
    public async ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        long end = offsetBytes + data.Length;
        int first = Bisection.First(visible.Count, index => visible[index].EndBytes > offsetBytes);
        for (int index = first; index < visible.Count && visible[index].OffsetBytes < end; index++)
        {
            long from = Math.Max(offsetBytes, visible[index].OffsetBytes);
            long to = Math.Min(end, visible[index].EndBytes);
            await image.WriteAsync(from, data[(int)(from - offsetBytes)..(int)(to - offsetBytes)], cancellationToken);
        }
    }
}
