namespace KvmBackup.Archiving;

/// <summary>One piece of the archive that is compressed on its own.</summary>
/// <param name="OffsetBytes">Where it starts in the file.</param>
/// <param name="LengthBytes">Its length in the file.</param>
/// <param name="Sha256">Of these bytes of the file, in lower-case hexadecimal.</param>
public readonly record struct ArchiveChunk(long OffsetBytes, int LengthBytes, string Sha256)
{
    public long EndBytes => OffsetBytes + LengthBytes;
}
