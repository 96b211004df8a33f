namespace KvmBackup.Ceph;

/// <summary>Reads the data of a diff stream by their offset in the image.</summary>
/// <param name="layout">The layout of the stream.</param>
/// <param name="stream">The stream, readable at any offset.</param>
public sealed class RbdDiffImage(RbdDiffLayout layout, IExtentSource stream) : IExtentSource
{
    public long SizeBytes => layout.SizeBytes;

    public IReadOnlyList<Extent> Extents { get; } = RbdChanges.DataExtents(layout.Changes, smallestHoleBytes: 0);

    /// <summary>Reads data of one change.</summary>
    public ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken) =>
        stream.ReadAsync(layout.StreamOffset(offsetBytes, buffer.Length), buffer, cancellationToken);
}
