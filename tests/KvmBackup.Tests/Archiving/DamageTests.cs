using System.Text;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Primitives;

namespace KvmBackup.Tests.Archiving;

public sealed class DamageTests
{
    private const int ChunkBytes = 8 << 10;
    private const int HeaderBytes = 512;

    [Theory]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.None)]
    public async Task A_flipped_bit_is_reported_with_its_place_and_members(CompressionMethod method)
    {
        using SampleArchive archive = await WriteAsync(method);
        byte[] good = await File.ReadAllBytesAsync(archive.FilePath);
        for (int seed = 0; seed < 600; seed++)
        {
            int place = new Random(seed).Next(good.Length);
            await WriteFlippedAsync(archive, good, place, bit: seed % 8);

            int chunk = archive.Summary.Index.Chunks.Index().First(item => item.Item.EndBytes > place).Index;
            ArchiveDamage damage = Assert.Single(await archive.VerifyAsync());
            Assert.Equal(archive.Summary.Index.Chunks[chunk].OffsetBytes, damage.OffsetBytes);
            Assert.Equal(TouchedBy(archive, chunk, TarEnd), damage.Members);
            await AssertExtractionAsync(archive, method == CompressionMethod.None
                ? HoldersOf(archive, place)
                : TouchedBy(archive, chunk, DataEnd), damage.OffsetBytes);
        }
    }

    [Theory]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.None)]
    public async Task A_flipped_bit_is_detected_without_checksums_of_the_archive(CompressionMethod method)
    {
        using SampleArchive archive = await WriteAsync(method);
        byte[] good = await File.ReadAllBytesAsync(archive.FilePath);
        int rebuilt = 0;
        for (int seed = 0; seed < 900; seed++)
        {
            int place = new Random(seed).Next(good.Length);
            string sha256 = await WriteFlippedAsync(archive, good, place, bit: seed % 8);
            try
            {
                // Both checksums of the archive's bytes match the damaged file: the inner checksums must detect it.
                ArchiveIndex index = await archive.RebuildIndexAsync();
                rebuilt++;
                IReadOnlyList<ArchiveDamage> damages = await archive.VerifyAsync(index, sha256);
                Assert.True(damages.Count > 0, $"the flip at {place} was not noticed");
            }
            catch (ArchivingException noticed)
            {
                Assert.Equal(ExitCode.DamageFound, noticed.ExitCode);
            }
        }

        Assert.True(rebuilt > 360);
    }

    [Theory]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.Bzip2)]
    [InlineData(CompressionMethod.None)]
    public async Task A_truncated_archive_is_detected_and_the_rest_is_read(CompressionMethod method)
    {
        using SampleArchive archive = await WriteAsync(method);
        byte[] good = await File.ReadAllBytesAsync(archive.FilePath);
        for (int seed = 0; seed < 300; seed++)
        {
            int length = new Random(seed).Next(good.Length);
            await File.WriteAllBytesAsync(archive.FilePath, good[..length]);

            int chunk = archive.Summary.Index.Chunks.Index().First(item => item.Item.EndBytes > length).Index;
            long lost = (long)chunk * ChunkBytes;
            ArchiveDamage damage = Assert.Single(await archive.VerifyAsync());
            Assert.Equal(length, damage.OffsetBytes);
            Assert.Equal(
                archive.Members.Where(member => TarEnd(member) > lost).Select(member => member.Name), damage.Members);
            await AssertExtractionAsync(archive, [.. archive.Members
                .Where(member => DataEnd(member) > lost && member.DataBytes > 0).Select(member => member.Name)]);
        }
    }

    [Fact]
    public async Task A_flipped_bit_in_a_bzip2_stream_never_results_in_other_content()
    {
        // Some bits of a bzip2 stream have no meaning: a flip does not change the content.
        using SampleArchive archive = await WriteAsync(CompressionMethod.Bzip2);
        byte[] good = await File.ReadAllBytesAsync(archive.FilePath);
        List<byte[]> contents = [];
        foreach (ArchiveMember member in archive.Members)
        {
            contents.Add(await archive.ExtractAsync(member));
        }

        for (int seed = 0; seed < 120; seed++)
        {
            int place = new Random(seed).Next(good.Length);
            await WriteFlippedAsync(archive, good, place, bit: seed % 8);

            Assert.True(Assert.Single(await archive.VerifyAsync()).OffsetBytes <= place);
            foreach ((ArchiveMember member, byte[] content) in archive.Members.Zip(contents))
            {
                try
                {
                    Assert.Equal(content, await archive.ExtractAsync(member));
                }
                catch (ArchivingException noticed)
                {
                    Assert.Equal(ExitCode.DamageFound, noticed.ExitCode);
                }
            }
        }
    }

    [Fact]
    public async Task Two_damaged_places_are_both_reported_in_the_order_of_the_file()
    {
        using SampleArchive archive = await WriteAsync(CompressionMethod.Zstd);
        byte[] file = await File.ReadAllBytesAsync(archive.FilePath);
        ArchiveIndex index = archive.Summary.Index;
        file[index.Chunks[1].OffsetBytes + 20] ^= 1;
        file[index.Chunks[^2].OffsetBytes + 20] ^= 1;
        await File.WriteAllBytesAsync(archive.FilePath, file);

        Assert.Equal(
            [index.Chunks[1].OffsetBytes, index.Chunks[^2].OffsetBytes],
            (await archive.VerifyAsync()).Select(damage => damage.OffsetBytes));
    }

    [Fact]
    public async Task Bytes_after_the_end_and_a_wrong_checksum_of_the_file_are_damage()
    {
        using SampleArchive archive = await WriteAsync(CompressionMethod.Gzip);
        ArchiveDamage wrongSum = Assert.Single(await archive.VerifyAsync(sha256: new string('0', 64)));
        Assert.Null(wrongSum.OffsetBytes);

        await File.AppendAllTextAsync(archive.FilePath, "more");
        ArchiveDamage more = Assert.Single(await archive.VerifyAsync());
        Assert.Equal(archive.Summary.SizeBytes, more.OffsetBytes);
    }

    private static Task<SampleArchive> WriteAsync(CompressionMethod method) => SampleArchive.WriteAsync(
        method,
        ChunkBytes,
        ("web1/domain.xml", SparseContent.Whole(3000, 1)),
        ("web1/vda.raw", new SparseContent(200_000, [new(0, 512), new(4096, 30_001), new(100_000, 20_000)], 2)),
        ("web1/empty", SparseContent.Whole(0, 0)),
        ("web1/vdb.raw", SparseContent.Whole(40_000, 3)),
        ("web1/RESTORE.md", SparseContent.Whole(700, 4)));

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task An_archive_of_version_0_1_0_whose_path_record_came_last_is_whole(bool isFormer)
    {
        SparseContent content = new(150_000, [new(4096, 30_001), new(100_000, 20_000)], 2);
        using SampleArchive archive = await SampleArchive.WriteAsync(
            CompressionMethod.None, ChunkBytes, ("web1/wéb.raw", content));
        byte[] tar = await File.ReadAllBytesAsync(archive.FilePath);
        int size = Convert.ToInt32(Encoding.ASCII.GetString(tar, 124, 11), 8);
        string[] records = Encoding.UTF8.GetString(tar, HeaderBytes, size).TrimEnd('\n').Split('\n');
        Assert.EndsWith(" path=web1/GNUSparseFile.0/wéb.raw", records[0], StringComparison.Ordinal);
        Assert.EndsWith(" GNU.sparse.realsize=150000", records[^1], StringComparison.Ordinal);

        // Else the same records in an order that no version wrote.
        string[] other = isFormer ? [.. records[1..], records[0]] : [records[0], .. records[1..].Reverse()];
        byte[] written = Encoding.UTF8.GetBytes(string.Join('\n', other) + "\n");
        Assert.Equal(size, written.Length);
        written.CopyTo(tar, HeaderBytes);
        await File.WriteAllBytesAsync(archive.FilePath, tar);
        string sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(tar));

        IReadOnlyList<ArchiveDamage> damages = await archive.VerifyAsync(await archive.RebuildIndexAsync(), sha256);

        Assert.Equal(isFormer, damages.Count == 0);
    }

    private static async Task<string> WriteFlippedAsync(SampleArchive archive, byte[] good, int place, int bit)
    {
        byte[] bad = good.ToArray();
        bad[place] ^= (byte)(1 << bit);
        await File.WriteAllBytesAsync(archive.FilePath, bad);
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bad));
    }

    private static async Task AssertExtractionAsync(
        SampleArchive archive, IReadOnlyList<string> damaged, long? damagedChunkOffset = null)
    {
        foreach (ArchiveMember member in archive.Members)
        {
            if (damaged.Contains(member.Name))
            {
                ArchivingException failure =
                    await Assert.ThrowsAsync<ArchivingException>(() => archive.ExtractAsync(member));
                Assert.Equal(ExitCode.DamageFound, failure.ExitCode);
                Assert.Contains(member.Name, failure.Message, StringComparison.Ordinal);
                Assert.Contains($"at byte {damagedChunkOffset}", failure.Message, StringComparison.Ordinal);
            }
            else
            {
                await archive.ExtractAsync(member);
            }
        }
    }

    /// <summary>The members that a flip affects; without compression only the member at that place.</summary>
    private static string[] HoldersOf(SampleArchive archive, int place) => [.. archive.Members
        .Where(member => place >= member.DataOffsetBytes && place < DataEnd(member)).Select(member => member.Name)];

    private static long DataEnd(ArchiveMember member) => member.DataOffsetBytes + member.DataBytes;

    private static long TarEnd(ArchiveMember member) => (DataEnd(member) + 511) / 512 * 512;

    /// <summary>The members with bytes in a chunk: with header and padding, or data alone.</summary>
    private static string[] TouchedBy(SampleArchive archive, int chunk, Func<ArchiveMember, long> end)
    {
        long start = (long)chunk * ChunkBytes;
        return [.. archive.Members
            .Where(member => end(member) > start && (end == DataEnd ? member.DataBytes > 0 : true))
            .Where(member => (end == DataEnd ? member.DataOffsetBytes : member.HeaderOffsetBytes) < start + ChunkBytes)
            .Select(member => member.Name)];
    }
}
