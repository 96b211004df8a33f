namespace KvmBackup.Model;

/// <summary>How the chunks of an archive are compressed.</summary>
public enum CompressionMethod
{
    Pigz,
    Gzip,
    Zstd,
    None,
    Bzip2,
    Igzip,
}
