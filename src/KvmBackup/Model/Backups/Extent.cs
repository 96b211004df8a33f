namespace KvmBackup.Model.Backups;

/// <summary>A run of bytes of a disk that holds data. The gaps between extents are holes, which read as
/// zeros.</summary>
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

/// <summary>A sparse source that is read once: a disk at a snapshot, a file, a text in memory.</summary>
public interface IExtentSource
{
    /// <summary>The logical size, holes included.</summary>
    long SizeBytes { get; }

    /// <summary>The runs that hold data: ascending, not adjacent, within the size.</summary>
    IReadOnlyList<Extent> Extents { get; }

    /// <summary>Reads at an offset. Fills the whole buffer or throws.</summary>
    ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken);
}

/// <summary>The destination of an archive member. Ranges that are never written stay holes.</summary>
public interface IExtentSink
{
    /// <summary>Writes at an offset. Called by several threads in parallel, at most once per byte.</summary>
    ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);
}
