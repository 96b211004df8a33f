using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Shell;

namespace KvmBackup.Archiving.Codecs;

/// <summary>Creates the codecs, with their default levels, and checks that this host can use them.</summary>
public static class CodecFactory
{
    // On an installed system level 6 takes 20 % longer for 0.2 % less, and level 7 50 % longer for 1 % less.
    private const int DefaultGzipLevel = 5;
    private const int DefaultPigzLevel = 6;
    private const int DefaultZstdLevel = 3;
    private const int DefaultBzip2Level = 9;
    private const int DefaultIgzipLevel = 2;

    /// <summary>The maximum length of a chunk in an archive: a larger result of a codec is stored instead, or
    /// refused.</summary>
    public static int LongestPacked(int chunkLength) => chunkLength + (chunkLength / 8) + 4096;

    /// <summary>The buffer that a codec requires, although the chunk may be stored afterwards: the fixed codes of
    /// igzip's level 0 have up to 15 bits for a byte.</summary>
    public static int BufferBytes(int chunkLength) => Math.Max(2 * chunkLength, LongestPacked(chunkLength));

    /// <summary>Chunks processed at once: the configured number, or one for each processor.</summary>
    public static int Workers(int threads) => threads > 0 ? threads : Environment.ProcessorCount;

    /// <summary>Chunks compressed at once. One more for a program, so that a processor is busy while one process ends
    /// and the next is started.</summary>
    public static int Workers(Compression compression) =>
        compression is { Method: CompressionMethod.Pigz or CompressionMethod.Igzip, Threads: 0 }
            ? Workers(0) + 1 : Workers(compression.Threads);

    /// <summary>Creates a codec for one worker.</summary>
    /// <exception cref="ArchivingException">The method does not have this level, or its library is missing.</exception>
    public static AdaptiveCodec Create(Compression compression, IProcessRunner runner)
    {
        EnsureLevel(compression);
        int? level = compression.Level;
        return compression.Method switch
        {
            CompressionMethod.Pigz =>
                new AdaptiveCodec(GzipProgramCodec.Pigz(runner, level ?? DefaultPigzLevel), Stored()),
            CompressionMethod.Igzip =>
                new AdaptiveCodec(GzipProgramCodec.Igzip(runner, level ?? DefaultIgzipLevel), Stored()),
            CompressionMethod.Gzip => new AdaptiveCodec(new GzipCodec(level ?? DefaultGzipLevel), Stored()),
            CompressionMethod.Zstd => new AdaptiveCodec(new ZstdCodec(level ?? DefaultZstdLevel), stored: null),
            CompressionMethod.Bzip2 => new AdaptiveCodec(new Bzip2Codec(level ?? DefaultBzip2Level), stored: null),
            CompressionMethod.None => new AdaptiveCodec(new StoredCodec(), stored: null),
            _ => throw Unknown(compression.Method),
        };
    }

    /// <summary>Creates a codec for one worker that only decompresses; requires no program.</summary>
    /// <exception cref="ArchivingException">The library of the method is missing.</exception>
    public static ICodec CreateForReading(CompressionMethod method) => method switch
    {
        CompressionMethod.Pigz or CompressionMethod.Gzip or CompressionMethod.Igzip => new GzipCodec(DefaultGzipLevel),
        CompressionMethod.Bzip2 => new Bzip2Codec(DefaultBzip2Level),
        CompressionMethod.Zstd => new ZstdCodec(DefaultZstdLevel),
        CompressionMethod.None => new StoredCodec(),
        _ => throw Unknown(method),
    };

    /// <summary>Checks that this host can use the codec: for <c>check</c>, and before a backup.</summary>
    /// <exception cref="ArchivingException">It cannot; the message names the package to install and an
    /// alternative.</exception>
    public static async Task EnsureAvailableAsync(
        Compression compression, IProcessRunner runner, CancellationToken cancellationToken)
    {
        Xxh128.EnsureAvailable();
        using AdaptiveCodec codec = Create(compression, runner);
        await codec.EnsureAvailableAsync(cancellationToken);
    }

    private static GzipCodec Stored() => new(level: 0);

    private static void EnsureLevel(Compression compression)
    {
        if (compression.Level is int level
            && (Compression.LevelRange(compression.Method) is not { } range
                || level < range.Lowest || level > range.Highest))
        {
            string allowed = Compression.LevelRange(compression.Method) is { } levels
                ? $"levels from {levels.Lowest} to {levels.Highest}"
                : "no levels";
            string method = compression.Method.ToString().ToLowerInvariant();
            throw new ArchivingException($"The compression '{method}' has {allowed}, not {level}.", ExitCode.Usage);
        }
    }

    private static ArchivingException Unknown(CompressionMethod method) =>
        new($"There is no codec '{method}'; use pigz, gzip, zstd, bzip2, igzip or none.", ExitCode.Usage);
}
