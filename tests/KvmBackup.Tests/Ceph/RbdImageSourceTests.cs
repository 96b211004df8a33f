using KvmBackup.Ceph;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Ceph;

public sealed class RbdImageSourceTests
{
    private static readonly DiffSample Small = new()
    {
        SizeBytes = 300_001,
        Changes = [new(0, 700, true), new(100_000, 5000, true), new(105_000, 300, true), new(200_000, 4000, false),
            new(300_000, 1, true)],
        Records = [new(0, 700, true), new(100_000, 5000, true), new(105_000, 300, false), new(200_000, 4000, false),
            new(300_000, 1, true)],
    };

    [Theory]
    [InlineData(1 << 20, int.MaxValue)]
    [InlineData(1000, 7)]
    [InlineData(333, 1)]
    [InlineData(4097, 4096)]
    public async Task An_image_is_read_correctly_in_pieces_of_any_size(int pieceBytes, int pipeBytes)
    {
        RecordedShell shell = Small.Shell(Reply.Stream(Small.Stream(), mostReadBytes: pipeBytes));

        await using RbdImageSource source = await OpenAsync(shell);

        Assert.Equal(300_001, source.SizeBytes);
        Assert.Equal([new Extent(0, 700), new Extent(100_000, 5300), new Extent(300_000, 1)], source.Extents);
        Assert.Equal(Small.Expected(0, 300_001), await DiffSample.ReadAsync(source, pieceBytes));
    }

    [Fact]
    public async Task Bytes_around_data_read_as_zeros()
    {
        await using RbdImageSource source = await OpenAsync(Small.Shell());

        Assert.Equal(Small.Expected(0, 300_001), await DiffSample.ReadAsync(source, 2048, widenBytes: 511));
    }

    [Fact]
    public async Task Small_holes_are_read_as_data()
    {
        DiffSample sample =
            new() { Changes = [new(0, 4096, true), new(36_863, 100, true), new(36_963 + 32_768, 10, true)] };

        await using RbdImageSource source = await OpenAsync(sample.Shell());

        Assert.Equal([new Extent(0, 36_963), new Extent(69_731, 10)], source.Extents);
        Assert.Equal(sample.Expected(0, 80_000), (await DiffSample.ReadAsync(source, 5000))[..80_000]);
    }

    [Fact]
    public async Task Large_data_are_read_with_few_buffers()
    {
        DiffSample sample = new() { Changes = [new(1, (40 << 20) + 3, true), new(50 << 20, 1 << 20, true)] };
        await using RbdImageSource source = await OpenAsync(sample.Shell());

        byte[] content = await DiffSample.ReadAsync(source, 3_000_000);

        Assert.True(content.AsSpan().SequenceEqual(sample.Expected(0, 64 << 20)));
    }

    [Fact]
    public async Task An_image_without_data_is_not_read_at_all()
    {
        RecordedShell shell = new DiffSample { Changes = [new(4096, 4096, false)] }.Shell();

        await using RbdImageSource source = await OpenAsync(shell);
        byte[] buffer = [1, 2, 3];
        await source.ReadAsync(5000, buffer, default);

        Assert.Empty(source.Extents);
        Assert.Equal(new byte[3], buffer);
        Assert.Equal(0, shell.Count("export-diff"));
    }

    [Theory]
    [InlineData(64L << 30, true, false)]
    [InlineData((64L << 30) + 1, true, true)]
    [InlineData((64L << 30) + 1, false, false)]
    public async Task Only_a_large_image_is_read_by_the_object_map(long size, bool hasFastDiff, bool isWhole)
    {
        DiffSample sample = new() { SizeBytes = size, HasFastDiff = hasFastDiff, Changes = [new(0, 10, true)] };
        RecordedShell shell = sample.Shell();

        await using RbdImageSource source = await OpenAsync(shell);
        await source.ReadAsync(0, new byte[10], default);

        Assert.Equal(isWhole, source.IsByObjectMap);
        Assert.Equal(isWhole ? 2 : 0, shell.Count("--whole-object"));
        Assert.All(shell.Calls.Skip(1), call => Assert.Contains("rbd/a@s2", call.Arguments));
    }

    [Fact]
    public async Task A_stream_truncated_at_any_byte_is_detected()
    {
        DiffSample sample = new() { Changes = [new(0, 40, true), new(50_000, 10, false), new(100_000, 30, true)] };
        byte[] whole = sample.Stream();
        for (int length = 0; length < whole.Length; length++)
        {
            CephException failure = await FailsAsync(sample, Reply.Stream(whole[..length]));

            Assert.Contains("rbd/a@s2", failure.Message, StringComparison.Ordinal);
            Assert.Contains($"at byte {length}:", failure.Message, StringComparison.Ordinal);
        }

        await FailsAsync(sample, Reply.Stream([.. whole, 0]));
    }

    [Fact]
    public async Task A_damaged_tag_is_detected()
    {
        DiffSample sample = new() { Changes = [new(0, 40, true), new(50_000, 10, false), new(100_000, 30, true)] };
        byte[] whole = sample.Stream();
        HashSet<int> data = [.. Enumerable.Range(45, 40), .. Enumerable.Range(119, 30)];
        foreach (int at in Enumerable.Range(0, whole.Length).Where(at => !data.Contains(at)))
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= 1;

            _ = await FailsAsync(sample, Reply.Stream(flipped));
        }
    }

    [Theory]
    [InlineData("0+40 100000+30")]
    [InlineData("0+40 50000-10")]
    [InlineData("0+40 50000+10 100000+30")]
    [InlineData("0+40 50000-10 100000+31")]
    [InlineData("0+40 50000-10 100000+30 200000-1")]
    [InlineData("100000+30 0+40 50000-10")]
    [InlineData("0+40 0+40 50000-10 100000+30")]
    [InlineData("0+0 0+40 50000-10 100000+30")]
    public async Task Records_that_contradict_the_diff_are_detected(string records)
    {
        DiffSample sample = new() { Changes = [new(0, 40, true), new(50_000, 10, false), new(100_000, 30, true)] };

        CephException failure = await FailsAsync(
            sample, Reply.Stream(sample.Stream([.. records.Split(' ').Select(Record)])));

        Assert.Contains("rbd/a@s2", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0+10 10+30 50000-5 50005-5 100000+30")]
    [InlineData("0+30 30-10 50000-10 100000-30")]
    public async Task Records_may_split_changes_and_have_zeros_in_place_of_data(string records)
    {
        DiffSample sample = new()
        {
            Changes = [new(0, 40, true), new(50_000, 10, false), new(100_000, 30, true)],
            Records = [.. records.Split(' ').Select(Record)],
        };

        await using RbdImageSource source = await OpenAsync(sample.Shell());

        Assert.Equal(sample.Expected(0, 200_000), (await DiffSample.ReadAsync(source, 17))[..200_000]);
    }

    [Fact]
    public async Task A_failure_of_rbd_is_reported_before_the_last_byte_is_returned()
    {
        DiffSample sample = new() { Changes = [new(0, 40, true)] };
        string complaint = Recording.Read("rbd/paused-rados-osd-op-timeout-export-diff").ErrorText;

        CephException broken = await FailsAsync(sample, Reply.Stream(sample.Stream()[..60], 110, complaint));
        CephException late = await FailsAsync(sample, Reply.Stream(sample.Stream(), 110, complaint));
        CephException hung = await FailsAsync(sample, Reply.Killed);

        Assert.All([broken, late], failure => Assert.StartsWith(
            "Reading rbd/a@s2 failed: rbd reported: error opening image a: (110) Connection timed out. The cluster "
            + "cannot be reached",
            failure.Message, StringComparison.Ordinal));
        Assert.StartsWith("Reading rbd/a@s2 failed: ", hung.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_of_the_pipe_from_rbd_names_the_image_and_the_snapshot()
    {
        DiffSample sample = new() { Changes = [new(0, 40, true)] };

        CephException failure = await FailsAsync(sample, Reply.Thrown(new IOException("Input/output error")));

        Assert.Equal(
            "Reading rbd/a@s2 failed: the output of rbd cannot be read: Input/output error", failure.Message);
        _ = Assert.IsType<IOException>(failure.InnerException);
    }

    [Fact]
    public async Task Changes_beyond_the_image_are_refused_before_anything_is_read()
    {
        DiffSample sample = new() { SizeBytes = 100, Changes = [new(90, 11, true)] };

        _ = await Assert.ThrowsAsync<CephException>(() => OpenAsync(sample.Shell()));
    }

    [Fact]
    public async Task A_wrong_object_map_is_reported_and_the_query_is_repeated_without_it()
    {
        DiffSample sample = new() { Changes = [new(0, 40, true)], IsMapWrong = true };
        RecordedShell shell = sample.Shell();

        await using RbdImageSource source = await RbdImageSource.OpenAsync(
            new RbdClient(shell), DiffSample.Location, DiffSample.Snapshot, exactLimitBytes: 1, default);
        byte[] content = await DiffSample.ReadAsync(source, 40);

        Assert.Contains("THE OBJECT MAP OF rbd/a@s2 WAS WRONG", source.Warning, StringComparison.Ordinal);
        Assert.Contains("rbd object-map rebuild rbd/a", source.Warning, StringComparison.Ordinal);
        Assert.False(source.IsByObjectMap);
        Assert.Equal(["--whole-object"], shell.Order("--whole-object"));
        Assert.Equal(sample.Expected(0, 40), content[..40]);
    }

    [Fact]
    public async Task An_object_map_that_cannot_be_checked_is_not_trusted()
    {
        DiffSample sample =
            new() { Changes = [new(0, 40, true)], Check = Reply.Bad("rbd: checking object map failed", 110) };

        CephException failure = await Assert.ThrowsAsync<CephException>(() => OpenAsync(sample.Shell()));

        Assert.StartsWith("Checking the object map of rbd/a@s2 failed", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_without_an_object_map_needs_no_check()
    {
        RecordedShell shell = new DiffSample { Changes = [new(0, 40, true)], HasFastDiff = false }.Shell();

        await using RbdImageSource source = await OpenAsync(shell);

        Assert.Equal((null, 0), (source.Warning, shell.Count("object-map")));
    }

    [Fact]
    public async Task A_source_reports_that_it_waits_for_the_cluster()
    {
        DiffSample sample = new() { Changes = [new(0, 40, true)] };
        await using RbdImageSource source = await OpenAsync(sample.Shell(Reply.Hang));
        using CancellationTokenSource cancel = new();
        bool isWaitingBefore = source.IsWaiting;
        ValueTask reading = source.ReadAsync(0, new byte[40], cancel.Token);

        Assert.Equal((false, true), (isWaitingBefore, source.IsWaiting));
        await cancel.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reading);
    }

    [Fact]
    public async Task A_dispose_in_the_middle_of_a_read_ends_the_program()
    {
        DiffSample sample = new() { Changes = [new(0, 60 << 20, true)] };
        RecordedShell shell = sample.Shell();
        await using (RbdImageSource source = await OpenAsync(shell))
        {
            await source.ReadAsync(0, new byte[100], default);
        }

        Assert.True(shell.Opened[^1].IsDisposed);
    }

    [Fact]
    public async Task A_read_can_be_cancelled_while_rbd_sends_nothing()
    {
        DiffSample sample = new() { Changes = [new(0, 40, true)] };
        await using RbdImageSource source = await OpenAsync(sample.Shell(Reply.Hang));
        using CancellationTokenSource cancel = new(50);

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await source.ReadAsync(0, new byte[40], cancel.Token));
    }

    private static ImageChange Record(string text)
    {
        string[] parts = text.Split('+', '-');
        return new(
            long.Parse(parts[0], null), long.Parse(parts[1], null), text.Contains('+', StringComparison.Ordinal));
    }

    private static Task<RbdImageSource> OpenAsync(RecordedShell shell) =>
        RbdImageSource.OpenAsync(new RbdClient(shell), DiffSample.Location, DiffSample.Snapshot, default);

    private static async Task<CephException> FailsAsync(DiffSample sample, Reply stream)
    {
        await using RbdImageSource source = await OpenAsync(sample.Shell(stream));
        return await Assert.ThrowsAsync<CephException>(() => DiffSample.ReadAsync(source, 1000));
    }
}
