using KvmBackup.Archiving;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Primitives;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Tests.Archiving;

/// <summary>Reads of one member at any offset.</summary>
public sealed class MemberReaderTests
{
    private const int SmallChunks = 4 << 10;

    [Theory]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.Bzip2)]
    [InlineData(CompressionMethod.None)]
    public async Task Any_range_of_any_member_reads_as_it_was_written(CompressionMethod method)
    {
        for (int seed = 0; seed < 15; seed++)
        {
            Random random = new(seed);
            SparseContent content = SparseContent.Random(seed, 100_000);
            using SampleArchive archive = await SampleArchive.WriteAsync(
                method, SmallChunks, ("web1/a", SparseContent.Random(seed + 100, 10_000)), ("web1/b", content));
            byte[] expected = content.ToArray();
            ArchiveMember member = archive.Members[1];
            using SafeFileHandle handle = File.OpenHandle(archive.FilePath);
            ArchiveReader reader = new(handle, archive.Summary.Index, method);
            await using MemberReader opened = reader.OpenMember(
                member, seed % 2 == 0 ? member.Extents : [], ahead: seed % 4);
            for (int run = 0, from = 0; run < 60; run++)
            {
                // Mostly forwards, as a disk is read, and sometimes at a random offset.
                from = run % 7 == 0 ? random.Next(expected.Length + 1) : Math.Min(from, expected.Length);
                byte[] buffer = new byte[random.Next(Math.Min(12_000, expected.Length - from + 1))];
                Array.Fill(buffer, (byte)0xee);
                await opened.ReadAsync(from, buffer, CancellationToken.None);
                Assert.Equal(expected[from..(from + buffer.Length)], buffer);
                from += buffer.Length;
            }
        }
    }

    [Fact]
    public async Task A_damaged_chunk_is_reported_only_by_reads_that_use_it()
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            CompressionMethod.Gzip, SmallChunks, ("web1/vda.raw", SparseContent.Whole(60_000, seed: 3)));
        ArchiveChunk damaged = archive.Summary.Index.Chunks[7];
        byte[] bytes = File.ReadAllBytes(archive.FilePath);
        bytes[damaged.OffsetBytes + (damaged.LengthBytes / 2)] ^= 1;
        File.WriteAllBytes(archive.FilePath, bytes);
        using SafeFileHandle handle = File.OpenHandle(archive.FilePath);
        ArchiveReader reader = new(handle, archive.Summary.Index, CompressionMethod.Gzip);
        ArchiveMember member = archive.Members[0];
        await using MemberReader opened = reader.OpenMember(member, member.Extents, ahead: 2);

        await opened.ReadAsync(0, new byte[6 * SmallChunks], CancellationToken.None);
        ArchivingException failure = await Assert.ThrowsAsync<ArchivingException>(
            async () => await opened.ReadAsync(6 * SmallChunks, new byte[SmallChunks], CancellationToken.None));
        await opened.ReadAsync(9 * SmallChunks, new byte[SmallChunks], CancellationToken.None);

        Assert.Contains(
            $"web1/vda.raw cannot be read: the archive is damaged in the chunk at byte {damaged.OffsetBytes}",
            failure.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.DamageFound, failure.ExitCode);
    }

    [Fact]
    public async Task A_read_beyond_the_end_is_refused()
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            CompressionMethod.None, SmallChunks, ("web1/vda.raw", SparseContent.Whole(1000, seed: 3)));
        using SafeFileHandle handle = File.OpenHandle(archive.FilePath);
        ArchiveReader reader = new(handle, archive.Summary.Index, CompressionMethod.None);
        await using MemberReader opened = reader.OpenMember(archive.Members[0], [], ahead: 0);

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await opened.ReadAsync(990, new byte[11], CancellationToken.None));
    }
}
