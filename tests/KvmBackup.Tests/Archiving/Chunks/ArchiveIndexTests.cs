using System.Text;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Primitives;

namespace KvmBackup.Tests.Archiving.Chunks;

public sealed class ArchiveIndexTests
{
    private static readonly string Digest = new('a', 32);

    [Theory]
    [InlineData(CompressionMethod.Gzip, 500_000)]
    [InlineData(CompressionMethod.Zstd, 500_000)]
    [InlineData(CompressionMethod.Bzip2, 500_000)]
    [InlineData(CompressionMethod.Bzip2, 10)]
    [InlineData(CompressionMethod.None, 500_000)]
    [InlineData(CompressionMethod.Gzip, 10)]
    [InlineData(CompressionMethod.Zstd, 10)]
    [InlineData(CompressionMethod.None, 10)]
    public async Task An_index_rebuilt_from_the_archive_equals_the_written_one(CompressionMethod method, int size)
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            method,
            32 << 10,
            ("a", SparseContent.Whole(size, seed: 1)),
            ("b", new SparseContent(1 << 20, [new(0, 300_000)], 2)));
        Assert.True(archive.Summary.Index.Chunks.Count > 3);

        AssertSame(archive.Summary.Index, await archive.RebuildIndexAsync());
    }

    [Fact]
    public async Task The_index_file_has_the_naming_of_the_manifest()
    {
        using MemoryStream stream = new();

        await new ArchiveIndex(2, 4096, 1024, [new ArchiveChunk(0, 9, 0xa5)])
            .WriteToAsync(stream, CancellationToken.None);

        Assert.Equal(
            "{\"format_version\":2,\"chunk_size_bytes\":4096,\"tar_bytes\":1024,\"size_bytes\":9,\"lengths\":[9],"
            + $"\"xxh128\":[\"{new string('0', 30)}a5\"]}}",
            System.Text.Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Theory]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.Bzip2)]
    [InlineData(CompressionMethod.None)]
    public async Task A_single_chunk_is_assumed_to_have_the_default_size(CompressionMethod method)
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            method, 32 << 10, ("a", SparseContent.Whole(20, seed: 1)));

        AssertSame(archive.Summary.Index, await archive.RebuildIndexAsync());
    }

    [ProgramTheory("pigz")]
    [InlineData(CompressionMethod.Pigz)]
    public async Task The_index_is_rebuilt_from_chunks_of_pigz(CompressionMethod method)
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            method, 64 << 10, ("a", SparseContent.Whole(300_000, seed: 1)));

        AssertSame(archive.Summary.Index, await archive.RebuildIndexAsync());
    }

    [Theory]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.Bzip2)]
    public async Task No_index_is_rebuilt_from_a_truncated_archive_or_another_programs_file(CompressionMethod method)
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            method, 32 << 10, ("a", SparseContent.Whole(100_000, seed: 1)));
        byte[] whole = await File.ReadAllBytesAsync(archive.FilePath);
        int[] lengths = [1, 4, 13, 30, whole.Length / 2, whole.Length - 1];
        foreach (int length in lengths)
        {
            await File.WriteAllBytesAsync(archive.FilePath, whole[..length]);
            ArchivingException cut = await Assert.ThrowsAsync<ArchivingException>(archive.RebuildIndexAsync);
            Assert.Equal(ExitCode.DamageFound, cut.ExitCode);
        }

        Random random = new(7);
        for (int round = 0; round < 100; round++)
        {
            byte[] rubbish = whole.ToArray();
            random.NextBytes(rubbish.AsSpan(random.Next(40), 30));
            await File.WriteAllBytesAsync(archive.FilePath, rubbish);
            Exception? failure = await Record.ExceptionAsync(archive.RebuildIndexAsync);
            Assert.True(failure is null or ArchivingException, failure?.ToString());
        }
    }

    [Fact]
    public async Task A_written_index_is_read_back()
    {
        ArchiveIndex index = new(2, 4096, 4096 + 512, [new(0, 100, 1), new(100, 20, UInt128.MaxValue)]);
        using MemoryStream stream = new();
        await index.WriteToAsync(stream, CancellationToken.None);
        stream.Position = 0;

        AssertSame(index, await ArchiveIndex.ReadFromAsync(stream, CancellationToken.None));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"format_version\":2,\"chunk_size_bytes\":4096,\"tar_bytes\":1024,\"size_bytes\":9}")]
    public Task A_file_that_is_no_index_is_refused(string json) => AssertRefusedAsync(json);

    [Theory]
    [InlineData("0", "4096", "1024", "9", "9", "D")]
    [InlineData("1", "4096", "1024", "9", "9", "D")]
    [InlineData("2", "0", "1024", "9", "9", "D")]
    [InlineData("2", "-512", "1024", "9", "9", "D")]
    [InlineData("2", "2147483136", "1024", "9", "9", "D")]
    [InlineData("2", "4097", "1024", "9", "9", "D")]
    [InlineData("2", "4096", "9223372036854775296", "9", "9", "D")]
    [InlineData("2", "4096", "0", "9", "9", "D")]
    [InlineData("2", "4096", "-1024", "9", "9", "D")]
    [InlineData("2", "4096", "5120", "9", "9", "D")]
    [InlineData("2", "4096", "1024", "9", "-9", "D")]
    [InlineData("2", "4096", "1024", "0", "0", "D")]
    [InlineData("2", "4096", "1024", "2000000000", "2000000000", "D")]
    [InlineData("2", "4096", "1024", "8", "9", "D")]
    [InlineData("2", "4096", "1024", "9", "9,1", "D")]
    [InlineData("2", "4096", "1024", "9", "\"9\"", "D")]
    [InlineData("2", "4096", "1024", "9", "9", "x")]
    [InlineData("2", "4096", "1024", "9", "9", "D0")]
    [InlineData("2", "4096", "1024", "9", "9", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("2", "4096", "1024", "9", "9", "D\"")]
    public Task A_damaged_index_is_refused(
        string version, string chunk, string tar, string size, string lengths, string checksum) => AssertRefusedAsync(
            $"{{\"format_version\":{version},\"chunk_size_bytes\":{chunk},\"tar_bytes\":{tar},\"size_bytes\":{size},"
            + $"\"lengths\":[{lengths}],\"xxh128\":[\"{checksum.Replace("D", Digest, StringComparison.Ordinal)}\"]}}");

    [Fact]
    public async Task A_newer_index_is_refused_by_its_version_whatever_its_content()
    {
        using MemoryStream stream = new("{\"format_version\":3,\"lengths\":\"elsewhere\"}"u8.ToArray());
        ArchivingException refusal = await Assert.ThrowsAsync<ArchivingException>(
            () => ArchiveIndex.ReadFromAsync(stream, CancellationToken.None));
        Assert.Contains("format version 3", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, refusal.ExitCode);
    }

    private static async Task AssertRefusedAsync(string json)
    {
        using MemoryStream stream = new(Encoding.UTF8.GetBytes(json));
        ArchivingException refusal = await Assert.ThrowsAsync<ArchivingException>(
            () => ArchiveIndex.ReadFromAsync(stream, CancellationToken.None));
        Assert.Equal(ExitCode.DamageFound, refusal.ExitCode);
        Assert.Contains("index", refusal.Message, StringComparison.Ordinal);
    }

    private static void AssertSame(ArchiveIndex expected, ArchiveIndex actual)
    {
        Assert.Equal(expected.Chunks, actual.Chunks);
        Assert.Equal(expected, actual with { Chunks = expected.Chunks });
    }
}
