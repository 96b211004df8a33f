namespace KvmBackup.Model.Backups;

/// <summary>A run of bytes of a disk that holds data. The gaps between extents are holes, which read as
/// zeros.</summary>
/// <param name="OffsetBytes">From the start of the disk.</param>
/// <param name="LengthBytes">Greater than zero.</param>
public readonly record struct Extent(long OffsetBytes, long LengthBytes)
{
    public long EndBytes => OffsetBytes + LengthBytes;
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
