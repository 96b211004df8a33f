namespace KvmBackup.Tests.Archiving;

/// <summary>Extraction by the other tar programs that the manual names.</summary>
public sealed class OtherTarTests
{
    private static readonly (string Name, IExtentSource Content)[] Contents =
    [
        ("web1/domain.xml", SparseContent.Whole(777, 1)),
        ("web1/vda.raw", new SparseContent(1_000_001, [new(4096, 100_000), new(600_000, 70_001)], 2)),
        ("web1/hole.raw", new SparseContent(500_000, [], 3)),
        ("web1/Büro 1.raw", SparseContent.Random(4, 400_000)),
        ($"web1/{new string('x', 120)}.raw", new SparseContent(300_000, [new(8192, 100_000)], 5)),
    ];

    [ProgramTheory("bsdtar")]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.Bzip2)]
    [InlineData(CompressionMethod.None)]
    public Task Bsdtar_extracts_identical_bytes(CompressionMethod method) =>
        ExtractAndCompareAsync(
            method, archive =>
                ["env", "LC_ALL=C.UTF-8", "bsdtar", "-xf", archive.FilePath, "-C", archive.DirectoryPath]);

    [ProgramTheory("python3")]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Bzip2)]
    [InlineData(CompressionMethod.None)]
    public Task Python_extracts_identical_bytes(CompressionMethod method) => ExtractAndCompareAsync(
        method,
        archive =>
            ["python3", "-W", "ignore", "-c", "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])",
            archive.FilePath, archive.DirectoryPath]);

    [ProgramTheory("tar")]
    [InlineData(CompressionMethod.None)]
    public Task Gnu_tar_extracts_identical_bytes(CompressionMethod method) =>
        ExtractAndCompareAsync(method, archive => ["tar", "-xf", archive.FilePath, "-C", archive.DirectoryPath]);

    private static async Task ExtractAndCompareAsync(CompressionMethod method, Func<SampleArchive, string[]> command)
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(method, 128 << 10, Contents);
        string[] words = command(archive);

        _ = await SampleArchive.RunAsync(words[0], words[1..]);

        foreach ((string name, IExtentSource content) in Contents)
        {
            Assert.Equal(((SparseContent)content).ToArray(),
                await File.ReadAllBytesAsync(Path.Combine(archive.DirectoryPath, name)));
        }
    }
}
