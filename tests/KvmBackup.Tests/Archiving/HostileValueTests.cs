using KvmBackup.Archiving;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Primitives;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Tests.Archiving;

public sealed class HostileValueTests
{
    public static TheoryData<string> FalseEntries =>
    [
        "size-negative", "size-huge", "size-small", "size-large", "header-negative", "header-after-data",
        "data-beyond", "data-negative", "data-shifted", "data-unaligned", "extent-beyond", "extent-negative",
        "extent-overlap", "extent-overflow", "extent-empty", "extent-moved", "extent-missing", "checksum",
        "name", "name-absolute", "name-up",
    ];

    [Theory]
    [MemberData(nameof(FalseEntries))]
    public async Task A_false_member_entry_is_detected_and_nothing_is_written_outside(string falseEntry)
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            CompressionMethod.Zstd,
            4096,
            ("web1/first", SparseContent.Whole(5000, 1)),
            ("web1/vda.raw", new SparseContent(64_000, [new(0, 1024), new(8192, 10_240), new(32_768, 512)], 2)),
            ("web1/last", SparseContent.Whole(100, 3)));
        ArchiveMember wrong = Apply(falseEntry, archive.Members[1]);

        IReadOnlyList<ArchiveDamage> damages =
            await archive.VerifyAsync(members: [archive.Members[0], wrong, archive.Members[2]]);
        Assert.Contains(damages, damage => damage.Members.Contains(wrong.Name));
        Assert.DoesNotContain(damages, damage => damage.Members.Contains("web1/first"));
        if (falseEntry is not ("name" or "header-negative"))
        {
            BoundedSink sink = new(Math.Clamp(wrong.SizeBytes, 0, 1 << 20));
            using SafeFileHandle handle = File.OpenHandle(archive.FilePath);
            ArchiveReader reader = new(handle, archive.Summary.Index, archive.Method);
            ArchivingException refusal = await Assert.ThrowsAsync<ArchivingException>(
                () => reader.ExtractAsync(wrong, sink, bytesWritten: null, CancellationToken.None));
            Assert.Equal(ExitCode.DamageFound, refusal.ExitCode);
        }
    }

    [Fact]
    public async Task A_missing_or_duplicate_member_in_the_list_is_detected()
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            CompressionMethod.Gzip, 4096, ("a", SparseContent.Whole(5000, 1)), ("b", SparseContent.Whole(100, 3)));

        Assert.NotEmpty(await archive.VerifyAsync(members: []));
        Assert.NotEmpty(await archive.VerifyAsync(members: [archive.Members[0]]));
        Assert.NotEmpty(await archive.VerifyAsync(members: [archive.Members[1]]));
        Assert.NotEmpty(await archive.VerifyAsync(members: [.. archive.Members, archive.Members[1]]));
        Assert.NotEmpty(await archive.VerifyAsync(members: [archive.Members[1], archive.Members[0]]));
    }

    [Fact]
    public async Task An_index_of_another_archive_is_detected()
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            CompressionMethod.Gzip, 4096, ("a", SparseContent.Whole(5000, 1)));
        using SampleArchive other = await SampleArchive.WriteAsync(
            CompressionMethod.Gzip, 4096, ("a", SparseContent.Whole(5000, 2)));

        Assert.NotEmpty(await archive.VerifyAsync(other.Summary.Index));
        await Assert.ThrowsAsync<ArchivingException>(
            () => archive.ExtractAsync(archive.Members[0], other.Summary.Index));
    }

    [Fact]
    public async Task A_chunk_that_unpacks_to_more_than_its_length_is_refused()
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            CompressionMethod.Zstd, 64 << 10, ("a", new SparseContent(1 << 20, [new(0, 60_000)], 1)));
        ArchiveIndex index = archive.Summary.Index;
        ArchiveIndex smaller = index with { ChunkSizeBytes = 32 << 10, TarBytes = (32L << 10) * index.Chunks.Count };

        Assert.NotEmpty(await archive.VerifyAsync(smaller));
    }

    [Fact]
    public void The_reader_refuses_an_inconsistent_index()
    {
        ArchiveIndex index = new(2, 4096, 4096, [new ArchiveChunk(long.MaxValue, 5, 1)]);
        using SafeFileHandle handle = File.OpenHandle("/dev/null");
        Assert.Throws<ArchivingException>(() => new ArchiveReader(handle, index, CompressionMethod.Zstd));
    }

    private static ArchiveMember Apply(string falseEntry, ArchiveMember member)
    {
        Extent[] extents = [.. member.Extents];
        return falseEntry switch
        {
            "size-negative" => member with { SizeBytes = -1 },
            "size-huge" => member with { SizeBytes = long.MaxValue },
            "size-small" => member with { SizeBytes = 20_000 },
            "size-large" => member with { SizeBytes = member.SizeBytes + 1 },
            "header-negative" => member with { HeaderOffsetBytes = -512 },
            "header-after-data" => member with { HeaderOffsetBytes = member.DataOffsetBytes },
            "data-beyond" => member with { DataOffsetBytes = 1L << 62 },
            "data-negative" => member with { DataOffsetBytes = -512 },
            "data-shifted" => member with { DataOffsetBytes = member.DataOffsetBytes - 512 },
            "data-unaligned" => member with { DataOffsetBytes = member.DataOffsetBytes + 1 },
            "extent-beyond" => member with { Extents = [.. extents[..^1], new(63_999, 512)] },
            "extent-negative" => member with { Extents = [new(-1, 1024), .. extents[1..]] },
            "extent-overlap" => member with { Extents = [extents[0], extents[0], .. extents[1..]] },
            "extent-overflow" => member with { Extents = [extents[0], new(8192, long.MaxValue)] },
            "extent-empty" => member with { Extents = [.. extents, new(60_000, 0)] },
            "extent-moved" => member with { Extents = [extents[0], new(8704, 10_240), extents[2]] },
            "extent-missing" => member with { Extents = extents[..^1] },
            "checksum" => member with { ContentXxh128 = new string('0', 32) },
            "name" => member with { Name = "web1/vdb.raw" },
            "name-absolute" => member with { Name = "/etc/passwd" },
            "name-up" => member with { Name = "web1/../../x" },
            _ => throw new ArgumentOutOfRangeException(nameof(falseEntry)),
        };
    }

    private sealed class BoundedSink(long sizeBytes) : IExtentSink
    {
        public ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            Assert.True(offsetBytes >= 0 && offsetBytes + data.Length <= sizeBytes, "written outside the member");
            return ValueTask.CompletedTask;
        }
    }
}
