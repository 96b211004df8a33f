namespace KvmBackup.Model.Backups;

/// <summary>The codec of an archive and how hard it works.</summary>
/// <param name="Method">The codec.</param>
/// <param name="Level">The codec's own level; null is the codec's default here.</param>
/// <param name="Threads">Chunks compressed at once; 0 is one for each processor.</param>
public sealed record Compression(CompressionMethod Method, int? Level = null, int Threads = 0)
{
    /// <summary>The ending that tells every other program what the file is: <c>.tar.gz</c> and so on.</summary>
    public static string FileExtension(CompressionMethod method) => method switch
    {
        CompressionMethod.Pigz or CompressionMethod.Gzip or CompressionMethod.Igzip => ".tar.gz",
        CompressionMethod.Bzip2 => ".tar.bz2",
        CompressionMethod.Zstd => ".tar.zst",
        _ => ".tar",
    };

    /// <summary>The lowest and highest level of a method; null where it has none.</summary>
    public static (int Lowest, int Highest)? LevelRange(CompressionMethod method) => method switch
    {
        CompressionMethod.Pigz or CompressionMethod.Gzip or CompressionMethod.Bzip2 => (1, 9),
        CompressionMethod.Igzip => (0, 3),
        CompressionMethod.Zstd => (1, 19),
        _ => null,
    };
}

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
