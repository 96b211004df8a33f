using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Codecs;
using KvmBackup.Shell;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Archiving.Codecs;

/// <summary>Chunks of zeros and noise, which are not passed to the codec.</summary>
public sealed class AdaptiveCodecTests
{
    private const int ChunkBytes = 1 << 20;

    [Fact]
    public async Task Noise_is_stored_and_zeros_are_compressed_once()
    {
        CountingCodec counting = new();
        using AdaptiveCodec codec = new(counting, new GzipCodec(level: 0));
        byte[] zeros = new byte[ChunkBytes];
        byte[] noise = Noise(1);
        byte[] text = SparseContent.Whole(ChunkBytes, 2).ToArray();
        int stored = 0;
        foreach (byte[] chunk in new[] { zeros, noise, text, zeros, noise, zeros[..1000], text })
        {
            byte[] packed = (await codec.CompressAsync(
                chunk, new byte[CodecFactory.LongestPacked(chunk.Length)], default)).ToArray();
            stored += packed.Length > chunk.Length ? 1 : 0;
            Assert.Equal(chunk, codec.Decompress(packed, new byte[chunk.Length]).ToArray());
        }

        // Zeros of each length once, and the text twice.
        Assert.Equal((4, 2), (counting.Count, stored));
    }

    [Fact]
    public async Task A_chunk_that_the_codec_enlarges_is_stored()
    {
        byte[] chunk = TextAndNoise();
        using AdaptiveCodec codec = new(new GrowingCodec(), new GzipCodec(level: 0));

        byte[] packed = (await codec.CompressAsync(chunk, new byte[CodecFactory.BufferBytes(ChunkBytes)], default))
            .ToArray();

        Assert.InRange(packed.Length, ChunkBytes, ChunkBytes + (ChunkBytes / 1000));
        Assert.Equal(chunk, new GzipCodec(level: 6).Decompress(packed, new byte[ChunkBytes]).ToArray());
    }

    [ProgramTheory("igzip")]
    [InlineData(0)]
    [InlineData(1)]
    public async Task No_level_of_igzip_exceeds_the_maximum_length_of_a_chunk(int level)
    {
        Compression compression = new(CompressionMethod.Igzip, level);
        using AdaptiveCodec codec = CodecFactory.Create(
            compression, new ProcessRunner(Logger.None, TimeProvider.System));
        byte[] chunk = TextAndNoise();

        ReadOnlyMemory<byte> packed = await codec.CompressAsync(
            chunk, new byte[CodecFactory.BufferBytes(ChunkBytes)], default);

        Assert.InRange(packed.Length, 1, CodecFactory.LongestPacked(ChunkBytes));
        Assert.Equal(chunk, codec.Decompress(packed.ToArray(), new byte[ChunkBytes]).ToArray());
    }

    [Fact]
    public void A_chunk_of_which_a_quarter_is_compressible_is_not_noise()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            byte[] chunk = Noise(seed);
            Assert.True(Compressibility.IsNoise(chunk));

            chunk.AsSpan(new Random(seed).Next(ChunkBytes * 3 / 4), ChunkBytes / 4).Fill((byte)'x');
            Assert.False(Compressibility.IsNoise(chunk));
        }
    }

    [Theory]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.Bzip2)]
    public async Task An_archive_of_zeros_and_noise_is_read_back(CompressionMethod method)
    {
        byte[] content =
            [.. new byte[3 * ChunkBytes], .. Noise(1), .. Noise(2), .. new byte[ChunkBytes / 3], .. Noise(3)];
        using SampleArchive archive = await SampleArchive.WriteAsync(
            method, ChunkBytes, ("web1/vda.raw", new Bytes(content)));

        Assert.Empty(await archive.VerifyAsync());
        Assert.Equal(content, await archive.ExtractAsync(archive.Members[0]));
        Assert.InRange(archive.Summary.SizeBytes, 3 * ChunkBytes, 3.05 * ChunkBytes);
        ArchiveIndex rebuilt = await archive.RebuildIndexAsync();
        Assert.Equal(archive.Summary.Index.Chunks, rebuilt.Chunks);
    }

    /// <summary>Noise after a line of text, as in an archive that begins with a compressed kernel.</summary>
    private static byte[] TextAndNoise()
    {
        byte[] chunk = Noise(7);
        chunk.AsSpan(0, 4096).Fill((byte)'x');
        return chunk;
    }

    private static byte[] Noise(int seed)
    {
        byte[] noise = new byte[ChunkBytes];
        new Random(seed).NextBytes(noise);
        return noise;
    }

    /// <summary>A codec that enlarges every chunk by a third.</summary>
    private sealed class GrowingCodec : ICodec
    {
        public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
            ReadOnlyMemory<byte> chunk, Memory<byte> buffer, CancellationToken cancellationToken) =>
                new(buffer[..(chunk.Length * 4 / 3)]);

        public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> buffer) =>
            throw new InvalidDataException();

        public void Dispose()
        {
            // Holds nothing.
        }
    }

    private sealed class CountingCodec : ICodec
    {
        private readonly GzipCodec gzip = new(6);

        public int Count { get; private set; }

        public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
            ReadOnlyMemory<byte> chunk, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            Count++;
            return gzip.CompressAsync(chunk, buffer, cancellationToken);
        }

        public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> buffer) =>
            gzip.Decompress(packed, buffer);

        public void Dispose() => gzip.Dispose();
    }
}
