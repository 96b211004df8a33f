namespace KvmBackup.Archiving;

/// <summary>One piece of the archive that is compressed on its own.</summary>
/// <param name="OffsetBytes">Where it starts in the file.</param>
/// <param name="LengthBytes">Its length in the file.</param>
/// <param name="Checksum">Of these bytes of the file; see <see cref="Xxh128"/>.</param>
public readonly record struct ArchiveChunk(long OffsetBytes, int LengthBytes, UInt128 Checksum)
{
    public long EndBytes => OffsetBytes + LengthBytes;
}
