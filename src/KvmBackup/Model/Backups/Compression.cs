namespace KvmBackup.Model.Backups;

/// <summary>The codec of an archive with its settings.</summary>
/// <param name="Method">The codec.</param>
/// <param name="Level">The codec's own level; null selects this program's default for the codec.</param>
/// <param name="Threads">Number of chunks compressed in parallel; 0 is one per processor.</param>
public sealed record Compression(CompressionMethod Method, int? Level = null, int Threads = 0)
{
    /// <summary>The file name extension of an archive: <c>.tar.gz</c> and so on.</summary>
    public static string FileExtension(CompressionMethod method) => method switch
    {
        CompressionMethod.Pigz or CompressionMethod.Gzip or CompressionMethod.Igzip => ".tar.gz",
        CompressionMethod.Bzip2 => ".tar.bz2",
        CompressionMethod.Zstd => ".tar.zst",
        _ => ".tar",
    };

    /// <summary>The lowest and highest level of a method; null when it has no levels.</summary>
    public static (int Lowest, int Highest)? LevelRange(CompressionMethod method) => method switch
    {
        CompressionMethod.Pigz or CompressionMethod.Gzip or CompressionMethod.Bzip2 => (1, 9),
        CompressionMethod.Igzip => (0, 3),
        CompressionMethod.Zstd => (1, 19),
        _ => null,
    };
}

/// <summary>Compression method of an archive's chunks.</summary>
public enum CompressionMethod
{
    Pigz,
    Gzip,
    Zstd,
    None,
    Bzip2,
    Igzip,
}
