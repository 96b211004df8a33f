using System.IO.Compression;
using KvmBackup.Archiving;
using KvmBackup.Archiving.Codecs;
using KvmBackup.Archiving.Primitives;

namespace KvmBackup.Tests.Archiving;

public sealed class CodecTests
{
    [Fact]
    public async Task Pigz_runs_once_for_each_chunk_with_one_thread_and_its_level()
    {
        ScriptedShell shell = new(GzipAsync);
        ArchiveSummary summary = await WriteAsync(shell, new Compression(CompressionMethod.Pigz, 9, Threads: 2));

        Assert.Equal(summary.Index.Chunks.Count, shell.Calls.Count);
        Assert.All(shell.Calls, call => Assert.Equal("pigz -c -p 1 -9", call.ToString()));
        Assert.InRange(shell.MostAtOnce, 1, 2);
    }

    [Fact]
    public async Task A_failure_of_pigz_ends_the_archive_with_its_message()
    {
        ArchivingException failure = await AssertFailsAsync(new ScriptedShell((_, _, _) => Task.FromResult(1)));
        Assert.Contains("exit status 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("write error", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(18)]
    [InlineData(400)]
    public async Task Truncated_output_with_exit_status_zero_is_detected(int length)
    {
        ArchivingException failure = await AssertFailsAsync(new ScriptedShell(async (input, output, token) =>
        {
            using MemoryStream whole = new();
            await GzipAsync(input, whole, token);
            output.Write(whole.ToArray().AsSpan(0, length));
            return 0;
        }));
        Assert.Contains("compression: gzip", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Output_of_another_format_or_without_end_is_detected()
    {
        await AssertFailsAsync(new ScriptedShell(async (input, output, token) =>
        {
            await output.WriteAsync(input, token);
            return 0;
        }));
        ArchivingException failure = await AssertFailsAsync(new ScriptedShell(async (input, output, token) =>
        {
            while (true)
            {
                await output.WriteAsync(input, token);
            }
        }));
        Assert.Contains("too much", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_pigz_is_reported_with_package_and_alternative_before_and_during_a_backup()
    {
        ScriptedShell shell = new(GzipAsync) { IsProgramMissing = true };
        ArchivingException[] failures =
        [
            await AssertFailsAsync(shell),
            await Assert.ThrowsAsync<ArchivingException>(() => CodecFactory.EnsureAvailableAsync(
                new Compression(CompressionMethod.Pigz), shell, CancellationToken.None)),
        ];

        Assert.All(failures, failure =>
        {
            Assert.Contains("apt install pigz", failure.Message, StringComparison.Ordinal);
            Assert.Contains("dnf install pigz", failure.Message, StringComparison.Ordinal);
            Assert.Contains("compression: gzip", failure.Message, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData(CompressionMethod.Pigz)]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.Bzip2)]
    [InlineData(CompressionMethod.Igzip)]
    [InlineData(CompressionMethod.None)]
    public async Task An_installed_codec_is_available(CompressionMethod method) =>
        Assert.Null(await Record.ExceptionAsync(() => CodecFactory.EnsureAvailableAsync(
            new Compression(method), new ScriptedShell(GzipAsync), CancellationToken.None)));

    [Theory]
    [InlineData(CompressionMethod.Pigz, 0)]
    [InlineData(CompressionMethod.Gzip, 10)]
    [InlineData(CompressionMethod.Zstd, 20)]
    [InlineData(CompressionMethod.Bzip2, 0)]
    [InlineData(CompressionMethod.Igzip, 4)]
    [InlineData(CompressionMethod.None, 1)]
    public void An_unsupported_level_is_refused(CompressionMethod method, int level)
    {
        ArchivingException refusal = Assert.Throws<ArchivingException>(
            () => CodecFactory.Create(new Compression(method, level), SampleArchive.RealShell));
        Assert.Equal(ExitCode.Usage, refusal.ExitCode);
    }

    [Theory]
    [InlineData(CompressionMethod.Gzip, 1)]
    [InlineData(CompressionMethod.Gzip, 9)]
    [InlineData(CompressionMethod.Zstd, 1)]
    [InlineData(CompressionMethod.Zstd, 19)]
    [InlineData(CompressionMethod.Bzip2, 1)]
    [InlineData(CompressionMethod.Bzip2, 9)]
    public async Task Random_bytes_fit_into_the_buffer_at_every_level(CompressionMethod method, int level)
    {
        byte[] chunk = new byte[1 << 20];
        new Random(1).NextBytes(chunk);
        byte[] buffer = new byte[CodecFactory.LongestPacked(chunk.Length)];
        using AdaptiveCodec codec = CodecFactory.Create(new Compression(method, level), SampleArchive.RealShell);

        byte[] packed = (await codec.CompressAsync(chunk, buffer, CancellationToken.None)).ToArray();

        Assert.Equal(chunk, codec.Decompress(packed, new byte[chunk.Length]).ToArray());
        Assert.Throws<InvalidDataException>(() => codec.Decompress(packed, new byte[chunk.Length - 1]));
        Assert.Throws<InvalidDataException>(
            () => codec.Decompress(packed.AsMemory(0, packed.Length - 1), new byte[chunk.Length]));
    }

    [Theory]
    [InlineData(CompressionMethod.Gzip, 8)]
    [InlineData(CompressionMethod.Gzip, 5)]
    [InlineData(CompressionMethod.Gzip, 1)]
    [InlineData(CompressionMethod.Zstd, 1)]
    [InlineData(CompressionMethod.Bzip2, 2)]
    public async Task A_wrong_checksum_at_the_end_of_a_chunk_is_detected(CompressionMethod method, int fromEnd)
    {
        byte[] chunk = SparseContent.Whole(10_000, 1).ToArray();
        using AdaptiveCodec codec = CodecFactory.Create(new Compression(method), SampleArchive.RealShell);
        byte[] buffer = new byte[CodecFactory.LongestPacked(chunk.Length)];
        byte[] packed = (await codec.CompressAsync(chunk, buffer, CancellationToken.None)).ToArray();

        packed[^fromEnd] ^= 1;

        Assert.Throws<InvalidDataException>(() => codec.Decompress(packed, new byte[chunk.Length]));
    }

    [Fact]
    public async Task A_bzip2_stream_that_is_not_exactly_one_chunk_is_refused()
    {
        byte[] chunk = [.. Enumerable.Range(0, 300_000).Select(number => (byte)(number * number >> 8))];
        using Bzip2Codec codec = new(level: 1);
        byte[] packed = (await codec.CompressAsync(chunk, new byte[CodecFactory.BufferBytes(chunk.Length)], default))
            .ToArray();
        byte[] buffer = new byte[chunk.Length + 1];

        Assert.Equal(chunk, codec.Decompress(packed, buffer.AsMemory(0, chunk.Length)).ToArray());
        Assert.All(
            new (byte[] Packed, int Length)[]
            {
                ([.. packed, 0], chunk.Length), ([.. packed, .. packed], chunk.Length), (packed[..^1], chunk.Length),
                (packed[..1], chunk.Length), ([], chunk.Length), (packed, chunk.Length - 1), (packed, chunk.Length + 1),
            },
            one => Assert.Throws<InvalidDataException>(
                () => codec.Decompress(one.Packed, buffer.AsMemory(0, one.Length))));
    }

    [Fact]
    public async Task A_gzip_member_longer_than_its_recorded_length_is_detected()
    {
        byte[] chunk = SparseContent.Whole(20_000, 1).ToArray();
        using AdaptiveCodec codec = CodecFactory.Create(
            new Compression(CompressionMethod.Gzip), SampleArchive.RealShell);
        byte[] buffer = new byte[CodecFactory.LongestPacked(chunk.Length)];
        byte[] packed = (await codec.CompressAsync(chunk, buffer, CancellationToken.None)).ToArray();

        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(packed.AsSpan(packed.Length - 4), 10_000);

        Assert.Throws<InvalidDataException>(() => codec.Decompress(packed, new byte[10_000]));
    }

    [Fact]
    public async Task Additional_header_fields_of_pigz_are_detected()
    {
        await AssertFailsAsync(new ScriptedShell(async (input, output, token) =>
        {
            using MemoryStream member = new();
            await GzipAsync(input, member, token);
            byte[] bytes = member.ToArray();
            bytes[3] = 8;
            output.Write([.. bytes[..10], (byte)'x', 0, .. bytes[10..]]);
            return 0;
        }));
    }

    private static Task<int> GzipAsync(ReadOnlyMemory<byte> input, Stream output, CancellationToken cancellationToken)
    {
        using GZipStream gzip = new(output, CompressionLevel.Fastest, leaveOpen: true);
        gzip.Write(input.Span);
        return Task.FromResult(0);
    }

    private static Task<ArchivingException> AssertFailsAsync(ScriptedShell shell) =>
        Assert.ThrowsAsync<ArchivingException>(() => WriteAsync(shell, new Compression(CompressionMethod.Pigz)));

    private static async Task<ArchiveSummary> WriteAsync(ScriptedShell shell, Compression compression)
    {
        await using MemoryStream destination = new();
        await using ArchiveWriter writer = new(destination, compression, shell, SampleArchive.ModifiedAt, 4096);
        await writer.AddAsync("a", SparseContent.Whole(100_000, 1), bytesRead: null, CancellationToken.None);
        return await writer.CompleteAsync(CancellationToken.None);
    }
}
