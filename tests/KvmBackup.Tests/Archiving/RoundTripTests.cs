using System.Text;
using KvmBackup.Archiving;
using KvmBackup.Archiving.Primitives;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Tests.Archiving;

public sealed class RoundTripTests
{
    private const int SmallChunks = 16 << 10;

    [Theory]
    [InlineData(CompressionMethod.Gzip, 40)]
    [InlineData(CompressionMethod.Zstd, 40)]
    [InlineData(CompressionMethod.Bzip2, 10)]
    [InlineData(CompressionMethod.None, 40)]
    public async Task Members_with_any_map_of_holes_are_read_back(CompressionMethod method, int rounds)
    {
        for (int seed = 0; seed < rounds; seed++)
        {
            SparseContent[] contents =
                [.. Enumerable.Range(0, 3).Select(number => SparseContent.Random((seed * 3) + number, 100_000))];
            using SampleArchive archive = await SampleArchive.WriteAsync(
                method, SmallChunks, ("a", contents[0]), ("web1/b", contents[1]), ("web1/c", contents[2]));

            foreach ((ArchiveMember member, SparseContent content) in archive.Members.Zip(contents))
            {
                Assert.Equal(content.ToArray(), await archive.ExtractAsync(member));
            }

            Assert.Empty(await archive.VerifyAsync());
        }
    }

    [ProgramTheory("pigz")]
    [InlineData(CompressionMethod.Pigz)]
    public Task Chunks_of_the_program_pigz_are_read_back(CompressionMethod method) => AssertReadBackAsync(method);

    [ProgramTheory("igzip")]
    [InlineData(CompressionMethod.Igzip)]
    public Task Chunks_of_the_program_igzip_are_read_back(CompressionMethod method) => AssertReadBackAsync(method);

    private static async Task AssertReadBackAsync(CompressionMethod method)
    {
        SparseContent content = SparseContent.Random(seed: 5, 500_000);
        using SampleArchive archive = await SampleArchive.WriteAsync(method, 64 << 10, ("web1/vda.raw", content));

        Assert.Equal(content.ToArray(), await archive.ExtractAsync(archive.Members[0]));
        Assert.Empty(await archive.VerifyAsync());
    }

    [Theory]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.Bzip2)]
    [InlineData(CompressionMethod.None)]
    public async Task Many_small_members_share_chunks(CompressionMethod method)
    {
        (string, IExtentSource)[] contents =
            [.. Enumerable.Range(0, 300).Select(number =>
                ($"d/{number}", (IExtentSource)SparseContent.Whole(number * 7, number)))];
        using SampleArchive archive = await SampleArchive.WriteAsync(method, SmallChunks, contents);

        Assert.Empty(await archive.VerifyAsync());
        foreach (ArchiveMember member in archive.Members.Where((_, number) => number % 37 == 0))
        {
            SparseContent content = SparseContent.Whole((int)member.SizeBytes, (int)member.SizeBytes / 7);
            Assert.Equal(content.ToArray(), await archive.ExtractAsync(member));
        }
    }

    [Fact]
    public async Task A_member_from_memory_is_read_back_within_its_limit_only()
    {
        string directory = Directory.CreateTempSubdirectory("kvmbackup-archiving-").FullName;
        string path = Path.Combine(directory, "a.tar.zst");
        byte[] text = Encoding.UTF8.GetBytes("<domain type='kvm'/>");
        ArchiveMember member;
        ArchiveSummary summary;
        await using (FileStream destination = File.Create(path))
        await using (ArchiveWriter writer = new(
            destination, new Compression(CompressionMethod.Zstd), SampleArchive.RealShell, SampleArchive.ModifiedAt))
        {
            member = await writer.AddAsync("web1/domain.xml", text, CancellationToken.None);
            summary = await writer.CompleteAsync(CancellationToken.None);
        }

        using (SafeFileHandle handle = File.OpenHandle(path))
        {
            ArchiveReader reader = new(handle, summary.Index, CompressionMethod.Zstd);
            Assert.Equal(text, await reader.ReadSmallAsync(member, text.Length, CancellationToken.None));
            await Assert.ThrowsAsync<ArchivingException>(
                () => reader.ReadSmallAsync(member, text.Length - 1, CancellationToken.None));
        }

        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task The_summary_has_the_size_and_checksum_of_the_file()
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            CompressionMethod.Gzip, SmallChunks, ("a", SparseContent.Whole(200_000, seed: 1)));

        byte[] file = await File.ReadAllBytesAsync(archive.FilePath);
        Assert.Equal(file.Length, archive.Summary.SizeBytes);
        Assert.Equal(
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(file)), archive.Summary.Sha256);
        Assert.True(archive.Summary.Index.Chunks.Count > 2);
    }

    [Fact]
    public async Task Progress_ends_at_the_number_of_data_bytes()
    {
        SparseContent content = SparseContent.Random(seed: 4, 300_000);
        Recorder read = new();
        Recorder written = new();
        await using MemoryStream destination = new();
        await using ArchiveWriter writer = new(
            destination,
            new Compression(CompressionMethod.None),
            SampleArchive.RealShell,
            SampleArchive.ModifiedAt,
            SmallChunks);
        ArchiveMember member = await writer.AddAsync("a", content, read, CancellationToken.None);
        Assert.Equal(member.DataBytes, read.Values.Max());

        using SampleArchive archive =
            await SampleArchive.WriteAsync(CompressionMethod.None, SmallChunks, ("a", content));
        using SafeFileHandle handle = File.OpenHandle(archive.FilePath);
        ArchiveReader reader = new(handle, archive.Summary.Index, archive.Method);
        await reader.ExtractAsync(member, new BufferSink(member.SizeBytes), written, CancellationToken.None);
        Assert.Equal(member.DataBytes, written.Values.Max());
    }

    private sealed class Recorder : IProgress<long>
    {
        public List<long> Values { get; } = [];

        public void Report(long value)
        {
            lock (Values)
            {
                Values.Add(value);
            }
        }
    }
}
