using KvmBackup.Archiving.Checksums;
using KvmBackup.Runs.Compare;
using KvmBackup.Tests.Archiving;

namespace KvmBackup.Tests.Runs.Compare;

/// <summary>Two contents next to each other, and the checksum of one.</summary>
public sealed class StreamComparisonTests
{
    private const int Size = 9_000_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_checksum_of_a_source_is_that_which_an_archive_has_of_it(int seed)
    {
        SparseContent content = SparseContent.Random(seed, 12_000_000);

        Assert.Equal(
            await ContentHash.ComputeAsync(content, CancellationToken.None),
            await SourceChecksum.ComputeAsync(content, null, CancellationToken.None));
    }

    [Fact]
    public async Task Equal_contents_have_no_difference_wherever_their_holes_are()
    {
        byte[] bytes = Content();
        Array.Clear(bytes, 2_000_000, 3_000_000);

        Differences found = await CompareAsync(
            new Held(bytes), new Held(bytes, new Extent(0, 2_000_000), new Extent(5_000_000, Size - 5_000_000)));

        Assert.Equal((0, null, 0), (found.Bytes, found.FirstByte, found.Count));
    }

    [Theory]
    [InlineData(0)]
    [InlineData((1 << 20) - 1)]
    [InlineData(5_000_001)]
    [InlineData(Size - 1)]
    public async Task One_byte_is_found_and_counted_as_its_block(int place)
    {
        byte[] other = Content();
        other[place] ^= 0x55;

        Differences found = await CompareAsync(new Held(Content()), new Held(other));

        long block = place / 4096 * 4096;
        Extent run = Assert.Single(found.Runs);
        Assert.Equal((place, 1, block), (found.FirstByte, found.Count, run.OffsetBytes));
        Assert.Equal(Math.Min(4096, Size - block), found.Bytes);
    }

    [Fact]
    public async Task A_run_over_the_end_of_a_piece_is_one_and_of_many_the_first_are_listed()
    {
        byte[] other = Content();
        Array.Clear(other, (1 << 20) - 8192, 16384);
        for (int place = 3 << 20; place < Size; place += 100_000)
        {
            other[place] ^= 0x55;
        }

        Differences found = await CompareAsync(new Held(Content()), new Held(other));

        Assert.Equal(new Extent((1 << 20) - 8192, 16384), found.Runs[0]);
        Assert.Equal(1 + ((Size - (3 << 20) + 99_999) / 100_000), found.Count);
        Assert.Equal(20, found.Runs.Count);
        Assert.Equal(16384 + (4096 * (found.Count - 1)), found.Bytes);
    }

    [Fact]
    public async Task Beyond_the_end_of_the_shorter_one_are_zeros()
    {
        byte[] longer = [.. Content(), .. new byte[5000]];

        Assert.Equal(0, (await CompareAsync(new Held(longer), new Held(Content()))).Count);
        longer[^1] = 1;
        Assert.Equal(longer.Length - 1, (await CompareAsync(new Held(longer), new Held(Content()))).FirstByte);
        Assert.Equal(longer.Length - 1, (await CompareAsync(new Held(Content()), new Held(longer))).FirstByte);
    }

    [Fact]
    public async Task An_archive_that_hangs_does_not_keep_what_is_held()
    {
        using CancellationTokenSource source = new();
        TaskCompletionSource never = new();
        Held hanging = new(Content()) { Obstacle = never.Task };
        StreamComparison comparison = new(new Held(Content()), hanging);
        Task<Differences> comparing = comparison.CompareAsync(null, source.Token);

        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => comparing.WaitAsync(TimeSpan.FromSeconds(30)));
        never.SetResult();
    }

    private static Task<Differences> CompareAsync(Held source, Held archived) =>
        new StreamComparison(source, archived).CompareAsync(null, CancellationToken.None);

    private static byte[] Content() => SparseContent.Whole(Size, 4).ToArray();

    /// <summary>Bytes in memory, with holes at the given extents.</summary>
    private sealed class Held(byte[] bytes, params Extent[] extents) : IExtentSource
    {
        public Task Obstacle { get; init; } = Task.CompletedTask;

        public long SizeBytes => bytes.Length;

        public IReadOnlyList<Extent> Extents => extents.Length > 0 ? extents : [new Extent(0, bytes.Length)];

        public async ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            await Obstacle;
            bytes.AsMemory((int)offsetBytes, buffer.Length).CopyTo(buffer);
        }
    }
}
