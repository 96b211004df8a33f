namespace KvmBackup.Model.Backups;

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

/// <summary>A file beside the disks that the domain does not start without.</summary>
/// <param name="MemberName">Its name in the archive: <c>nvram.fd</c>, <c>kernel</c>, <c>initrd</c>.</param>
/// <param name="SourcePath">Where the domain's XML says that it is.</param>
public sealed record AuxiliaryFile(string MemberName, string SourcePath);

/// <summary>A place in a backup that is not as it was written.</summary>
/// <param name="File">The file in the backup's directory.</param>
/// <param name="OffsetBytes">Where in that file; null when the file as a whole is concerned.</param>
/// <param name="Members">The members of the archive that the damage touches.</param>
/// <param name="Reason">What is wrong, in words.</param>
public sealed record ArchiveDamage(string File, long? OffsetBytes, IReadOnlyList<string> Members, string Reason);
