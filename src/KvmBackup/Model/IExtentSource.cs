namespace KvmBackup.Model;

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
