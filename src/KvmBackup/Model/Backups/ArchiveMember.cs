namespace KvmBackup.Model.Backups;

/// <summary>A file within an archive and its position in the uncompressed tar stream.</summary>
/// <param name="Name">Path as tar lists it: <c>web1/vda.qcow2</c>.</param>
/// <param name="SizeBytes">Logical size, holes included: the size that <c>tar</c> extracts.</param>
/// <param name="HeaderOffsetBytes">Offset of its first header block in the tar stream.</param>
/// <param name="DataOffsetBytes">Offset of its stored bytes in the tar stream, after the headers and the sparse
/// map.</param>
/// <param name="Extents">The byte runs that are stored, in storage order.</param>
/// <param name="ContentXxh128">Tree checksum of the content, as hexadecimal; see <c>ContentHash</c> in
/// Archiving.</param>
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

/// <summary>A file other than a disk that the domain requires to start.</summary>
/// <param name="MemberName">Name in the archive: <c>nvram.fd</c>, <c>kernel</c>, <c>initrd</c>.</param>
/// <param name="SourcePath">Path in the domain's XML.</param>
public sealed record AuxiliaryFile(string MemberName, string SourcePath);

/// <summary>A damaged place in a backup.</summary>
/// <param name="File">The file in the backup's directory.</param>
/// <param name="OffsetBytes">Offset in that file; null when the whole file is affected.</param>
/// <param name="Members">The archive members that the damage affects.</param>
/// <param name="Reason">Description of the damage.</param>
public sealed record ArchiveDamage(string File, long? OffsetBytes, IReadOnlyList<string> Members, string Reason);
