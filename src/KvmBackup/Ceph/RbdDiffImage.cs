namespace KvmBackup.Ceph;

/// <summary>The data of a stream of changes, found by where they belong in the image.</summary>
/// <param name="layout">Of the stream.</param>
/// <param name="stream">Can be read at any offset.</param>
public sealed class RbdDiffImage(RbdDiffLayout layout, IExtentSource stream) : IExtentSource
{
    public long SizeBytes => layout.SizeBytes;

    public IReadOnlyList<Extent> Extents { get; } = RbdChanges.DataExtents(layout.Changes, smallestHoleBytes: 0);

    /// <summary>Reads data of one change.</summary>
    public ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken) =>
        stream.ReadAsync(layout.StreamOffset(offsetBytes, buffer.Length), buffer, cancellationToken);
}
