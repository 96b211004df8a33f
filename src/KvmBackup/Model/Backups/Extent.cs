namespace KvmBackup.Model.Backups;

/// <summary>A run of bytes of a disk that holds data; what lies between extents is holes and reads as zeros.</summary>
/// <param name="OffsetBytes">From the start of the disk.</param>
/// <param name="LengthBytes">Greater than zero.</param>
public readonly record struct Extent(long OffsetBytes, long LengthBytes)
{
    public long EndBytes => OffsetBytes + LengthBytes;
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
