namespace KvmBackup.Model.Backups;

/// <summary>A run of bytes of a disk that holds data; what lies between extents is holes and reads as zeros.</summary>
/// <param name="OffsetBytes">From the start of the disk.</param>
/// <param name="LengthBytes">Greater than zero.</param>
public readonly record struct Extent(long OffsetBytes, long LengthBytes)
{
    public long EndBytes => OffsetBytes + LengthBytes;

    /// <summary>Merges extents that overlap, touch or have only a small hole between them.</summary>
    /// <param name="extents">Ascending by offset.</param>
    /// <param name="smallestHoleBytes">Smaller holes are included in the result as data. With 1 extents that touch are
    /// merged; with 0 only those that overlap.</param>
    public static List<Extent> Coalesce(IEnumerable<Extent> extents, long smallestHoleBytes = 1)
    {
        List<Extent> merged = [];
        foreach (Extent extent in extents)
        {
            if (merged.Count > 0 && extent.OffsetBytes - merged[^1].EndBytes < smallestHoleBytes)
            {
                long start = merged[^1].OffsetBytes;
                merged[^1] = new Extent(start, Math.Max(merged[^1].EndBytes, extent.EndBytes) - start);
            }
            else
            {
                merged.Add(extent);
            }
        }

        return merged;
    }
}

/// <summary>Something with a size and holes that is read once: a pinned disk, a file, a text in memory.</summary>
public interface IExtentSource
{
    /// <summary>The logical size, holes included.</summary>
    long SizeBytes { get; }

    /// <summary>The runs that hold data: ascending, not touching, within the size.</summary>
    IReadOnlyList<Extent> Extents { get; }

    /// <summary>Reads at an offset and fills the whole buffer, or throws.</summary>
    ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken);
}

/// <summary>Where a member of an archive is written back to. What is never written stays a hole.</summary>
public interface IExtentSink
{
    /// <summary>Writes at an offset. Called from several threads at once, never twice for one byte.</summary>
    ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);
}
