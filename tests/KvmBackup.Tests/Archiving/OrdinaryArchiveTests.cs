using KvmBackup.Disks;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Archiving;

/// <summary>Archives with special content, which ordinary programs must accept.</summary>
public sealed class OrdinaryArchiveTests
{
    /// <summary>The smallest chunk that is tested for noise.</summary>
    private const int ChunkBytes = 256 << 10;

    [ProgramTheory("tar", "gzip", "pigz", "igzip")]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Pigz)]
    [InlineData(CompressionMethod.Igzip)]
    public Task Gzip_programs_accept_the_archive(CompressionMethod method) =>
        AssertOrdinaryAsync(method, "gzip", "pigz", "igzip");

    [ProgramTheory("tar", "zstd")]
    [InlineData(CompressionMethod.Zstd)]
    public Task Zstd_accepts_the_archive(CompressionMethod method) => AssertOrdinaryAsync(method, "zstd");

    [ProgramTheory("tar", "bzip2")]
    [InlineData(CompressionMethod.Bzip2)]
    public Task Bzip2_accepts_the_archive(CompressionMethod method) => AssertOrdinaryAsync(method, "bzip2");

    [ProgramTheory("tar")]
    [InlineData(CompressionMethod.None)]
    public Task Tar_accepts_an_uncompressed_archive(CompressionMethod method) => AssertOrdinaryAsync(method);

    [ProgramTheory("tar", "gzip", "zstd", "bzip2")]
    [InlineData(CompressionMethod.Gzip, "gzip")]
    [InlineData(CompressionMethod.Zstd, "zstd")]
    [InlineData(CompressionMethod.Bzip2, "bzip2")]
    [InlineData(CompressionMethod.None, null)]
    public async Task An_empty_archive_is_valid(CompressionMethod method, string? tester)
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(method, ChunkBytes);
        if (tester is not null)
        {
            await SampleArchive.RunAsync(tester, "-qt", archive.FilePath);
        }

        Assert.Equal(string.Empty, await SampleArchive.RunAsync("tar", "-tf", archive.FilePath));
        Assert.Empty(await archive.VerifyAsync());
    }

    private static async Task AssertOrdinaryAsync(CompressionMethod method, params string[] testers)
    {
        byte[] noise = Noise((3 * ChunkBytes) + 7777, 1);
        byte[] text = SparseContent.Whole(ChunkBytes, 2).ToArray();
        (string Name, byte[] Content, IExtentSource Source)[] members =
        [
            Whole("web1/empty", []),
            Whole("web1/zeros", new byte[(4 * ChunkBytes) + 1]),
            Whole("web1/noise", noise),
            Whole("web1/mixed",
                [.. new byte[100_001], .. noise[..300_000], .. text, .. new byte[ChunkBytes], .. text, .. new byte[9]]),
            Sparse("web1/extents", new SparseContent(
                40L << 20, [.. Enumerable.Range(0, 1200)
                    .Select(number => new Extent(number * 33_000L, 1 + (number % 700)))], 3)),
            Sparse("web1/hole", new SparseContent(5_000_003, [], 0)),
            Whole("web1/last", []),
        ];
        using SampleArchive archive = await SampleArchive.WriteAsync(
            method, ChunkBytes, [.. members.Select(member => (member.Name, member.Source))]);
        foreach (string tester in testers)
        {
            await SampleArchive.RunAsync(tester, "-qt", archive.FilePath);
        }

        await SampleArchive.RunAsync("tar", "-xf", archive.FilePath, "-C", archive.DirectoryPath);
        foreach ((string name, byte[] content, _) in members)
        {
            Assert.True(
                File.ReadAllBytes(Path.Combine(archive.DirectoryPath, name)).AsSpan().SequenceEqual(content),
                $"{name} is another");
        }

        // The 1200 extents in 40 MiB use little more than one block each.
        Assert.InRange(LocalFile.AllocatedBytes(Path.Combine(archive.DirectoryPath, "web1/extents")), 1, 12 << 20);
    }

    private static (string Name, byte[] Content, IExtentSource Source) Whole(string name, byte[] content) =>
        (name, content, content.Length == 0 ? SparseContent.Whole(0, 0) : new Bytes(content));

    private static (string Name, byte[] Content, IExtentSource Source) Sparse(string name, SparseContent content) =>
        (name, content.ToArray(), content);

    private static byte[] Noise(int length, int seed)
    {
        byte[] noise = new byte[length];
        new Random(seed).NextBytes(noise);
        return noise;
    }
}
