namespace KvmBackup.Model;

/// <summary>One file within an archive, and where it lies in the uncompressed tar stream.</summary>
/// <param name="Name">As tar shows it: <c>web1/vda.qcow2</c>.</param>
/// <param name="SizeBytes">Logical size, holes included: what <c>tar</c> extracts.</param>
/// <param name="HeaderOffsetBytes">Where its first header block starts in the tar stream.</param>
/// <param name="DataOffsetBytes">Where its stored bytes start in the tar stream, after the headers and the sparse
/// map.</param>
/// <param name="Extents">Which bytes of the file are stored, in the order in which they are stored.</param>
/// <param name="ContentXxh128">The tree checksum of the content, as hexadecimal; see <c>ContentHash</c> in Archiving.</param>
public sealed record ArchiveMember(
    string Name,
    long SizeBytes,
    long HeaderOffsetBytes,
    long DataOffsetBytes,
    IReadOnlyList<Extent> Extents,
    string ContentXxh128)
{
    /// <summary>Bytes stored for the content: the sum of the extents.</summary>
    public long DataBytes => Extents.Sum(extent => extent.LengthBytes);
}
