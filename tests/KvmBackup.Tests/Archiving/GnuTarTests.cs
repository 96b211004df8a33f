using System.Globalization;
using KvmBackup.Archiving;
using KvmBackup.Archiving.Chunks;

namespace KvmBackup.Tests.Archiving;

public sealed class GnuTarTests
{
    private static readonly string LongName =
        string.Join('/', Enumerable.Repeat("Rechner mit langem Namen", 6)) + "/Grüße an alle.raw";

    [ProgramTheory("tar", "gzip")]
    [InlineData(CompressionMethod.Gzip, "gzip")]
    [InlineData(CompressionMethod.None, null)]
    public Task Gnu_tar_extracts_identical_bytes(CompressionMethod method, string? tester) =>
        ExtractAndCompareAsync(method, tester);

    [ProgramTheory("tar", "pigz", "gzip")]
    [InlineData(CompressionMethod.Pigz, "gzip")]
    [InlineData(CompressionMethod.Pigz, "pigz")]
    public Task Gnu_tar_extracts_identical_bytes_of_pigz(CompressionMethod method, string? tester) =>
        ExtractAndCompareAsync(method, tester);

    [ProgramTheory("tar", "igzip", "gzip")]
    [InlineData(CompressionMethod.Igzip, "gzip")]
    [InlineData(CompressionMethod.Igzip, "igzip")]
    public Task Gnu_tar_extracts_identical_bytes_of_igzip(CompressionMethod method, string? tester) =>
        ExtractAndCompareAsync(method, tester);

    [ProgramTheory("tar", "bzip2")]
    [InlineData(CompressionMethod.Bzip2, "bzip2")]
    public Task Gnu_tar_extracts_identical_bytes_of_bzip2(CompressionMethod method, string? tester) =>
        ExtractAndCompareAsync(method, tester);

    [ProgramTheory("tar", "zstd")]
    [InlineData(CompressionMethod.Zstd, "zstd")]
    public Task Gnu_tar_extracts_identical_bytes_of_zstd(CompressionMethod method, string? tester) =>
        ExtractAndCompareAsync(method, tester);

    [ProgramTheory("tar")]
    [InlineData(CompressionMethod.Gzip)]
    public async Task Gnu_tar_preserves_holes(CompressionMethod method)
    {
        const long size = 64L << 20;
        SparseContent content = new(size, [new(0, 4096), new(32L << 20, 8192)], seed: 1);
        using SampleArchive archive = await SampleArchive.WriteAsync(
            method, ChunkSize.DefaultBytes, ("web1/vdb.raw", content));
        await SampleArchive.RunAsync("tar", "-xf", archive.FilePath, "-C", archive.DirectoryPath);

        string path = Path.Combine(archive.DirectoryPath, "web1/vdb.raw");
        Assert.Equal(size, new FileInfo(path).Length);
        Assert.True(await BlocksAsync(path) <= 64, "the holes were filled");
        Assert.Equal(content.ToArray(), await File.ReadAllBytesAsync(path));
    }

    [ProgramTheory("tar")]
    [InlineData(CompressionMethod.Zstd)]
    public async Task A_member_beyond_8_GiB_keeps_its_size_and_its_last_byte(CompressionMethod method)
    {
        const long size = 20L << 30;
        SparseContent content = new(size, [new(9L << 30, 5), new(size - 1, 1)], seed: 2);
        using SampleArchive archive = await SampleArchive.WriteAsync(
            method, ChunkSize.DefaultBytes, ("web1/vda.raw", content), ("after", SparseContent.Whole(9, 1)));
        Assert.Empty(await archive.VerifyAsync());
        await SampleArchive.RunAsync("tar", "-xf", archive.FilePath, "-C", archive.DirectoryPath);

        string path = Path.Combine(archive.DirectoryPath, "web1/vda.raw");
        Assert.Equal(size, new FileInfo(path).Length);
        using FileStream file = File.OpenRead(path);
        foreach (Extent extent in content.Extents)
        {
            byte[] expected = new byte[extent.LengthBytes];
            byte[] actual = new byte[extent.LengthBytes];
            await content.ReadAsync(extent.OffsetBytes, expected, CancellationToken.None);
            file.Position = extent.OffsetBytes;
            file.ReadExactly(actual);
            Assert.Equal(expected, actual);
        }

        Assert.True(File.Exists(Path.Combine(archive.DirectoryPath, "after")));
    }

    [ProgramTheory("tar")]
    [InlineData(9L << 30)]
    [InlineData((1L << 33) - 1)]
    [InlineData(1L << 33)]
    public async Task Stored_data_beyond_8_GiB_has_its_size_in_the_pax_header(long size)
    {
        // Only the header, from a member that is cancelled at its first byte of data.
        using MemoryStream destination = new();
        byte[] header = await FirstChunkOfAsync(new EndlessZeros(size), destination);
        string directory = Directory.CreateTempSubdirectory("kvmbackup-archiving-").FullName;
        string path = Path.Combine(directory, "head.tar");
        await File.WriteAllBytesAsync(path, header);

        // GNU tar lists the member before it reports that the archive is truncated.
        string listed = (await SampleArchive.RealShell.RunAsync(
            new KvmBackup.Shell.ProgramCall("tar", ["-tvf", path]), CancellationToken.None)).StandardOutput;
        Directory.Delete(directory, recursive: true);

        Assert.Contains($" {size.ToString(CultureInfo.InvariantCulture)} 2026-11-20", listed, StringComparison.Ordinal);
        Assert.StartsWith("-rw------- root/root", listed, StringComparison.Ordinal);
    }

    private static async Task ExtractAndCompareAsync(CompressionMethod method, string? tester)
    {
        for (int seed = 0; seed < 8; seed++)
        {
            (string Name, SparseContent Content)[] contents =
            [
                ("web1/vda.raw", SparseContent.Random(seed, 400_000)),
                ("web1/empty", SparseContent.Whole(0, 0)),
                ("web1/hole", new SparseContent(1_000_001, [], 0)),
                (LongName, SparseContent.Random(seed + 1000, 50_000)),
                ("web1/Büro 1.xml", SparseContent.Whole(777, seed)),
            ];
            using SampleArchive archive = await SampleArchive.WriteAsync(
                method, 128 << 10, [.. contents.Select(pair => (pair.Name, (IExtentSource)pair.Content))]);
            if (tester is not null)
            {
                await SampleArchive.RunAsync(tester, "-qt", archive.FilePath);
            }

            await SampleArchive.RunAsync("tar", "-xf", archive.FilePath, "-C", archive.DirectoryPath);
            foreach ((string name, SparseContent content) in contents)
            {
                byte[] extracted = await File.ReadAllBytesAsync(Path.Combine(archive.DirectoryPath, name));
                Assert.Equal(content.ToArray(), extracted);
            }
        }
    }

    private static async Task<long> BlocksAsync(string path) => long.Parse(
        await SampleArchive.RunAsync("stat", "-c", "%b", path), CultureInfo.InvariantCulture);

    private static async Task<byte[]> FirstChunkOfAsync(EndlessZeros content, MemoryStream destination)
    {
        using CancellationTokenSource stop = new();
        await using ArchiveWriter writer = new(
            destination,
            new Compression(CompressionMethod.None),
            SampleArchive.RealShell,
            SampleArchive.ModifiedAt,
            chunkBytes: 4096);
        content.OnRead = count =>
        {
            if (count > 20)
            {
                stop.Cancel();
            }
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => writer.AddAsync("web1/vda.raw", content, bytesRead: null, stop.Token));
        await writer.DisposeAsync();
        return destination.ToArray();
    }

    private sealed class EndlessZeros(long sizeBytes) : IExtentSource
    {
        private int count;

        public Action<int> OnRead { get; set; } = _ => { };

        public long SizeBytes => sizeBytes;

        public IReadOnlyList<Extent> Extents => [new(0, sizeBytes)];

        public ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            buffer.Span.Clear();
            OnRead(++count);
            return ValueTask.CompletedTask;
        }
    }
}
