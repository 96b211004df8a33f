namespace KvmBackup.Model;

/// <summary>The archive of a backup as a file.</summary>
/// <param name="FileName">Within the backup's directory.</param>
/// <param name="IndexFileName">The index of chunks beside it.</param>
/// <param name="Compression">The codec of its chunks.</param>
/// <param name="SizeBytes">Size of the file.</param>
/// <param name="TarBytes">Size of the tar stream before compression.</param>
/// <param name="Sha256">Of the file's bytes, in lower-case hexadecimal.</param>
public sealed record ManifestArchive(
    string FileName,
    string IndexFileName,
    CompressionMethod Compression,
    long SizeBytes,
    long TarBytes,
    string Sha256)
{
    /// <summary>Size of the index beside it; null in a manifest from before this was noted.</summary>
    public long? IndexSizeBytes { get; init; }
}
