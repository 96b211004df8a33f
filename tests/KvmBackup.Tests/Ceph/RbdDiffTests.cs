using System.Security.Cryptography;
using KvmBackup.Ceph;
using KvmBackup.Tests.Archiving;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Ceph;

public sealed class RbdDiffTests
{
    private static readonly DiffSample Sample = new()
    {
        FromSnapshot = "s1",
        SizeBytes = 500_000,
        Changes = [new(0, 700, true), new(700, 3, true), new(1000, 50, false), new(100_000, 60_000, true),
            new(499_000, 1000, false)],
    };

    [Fact]
    public async Task A_layout_equals_the_recorded_stream_of_rbd()
    {
        // rbd sent zeros where the diff had data, so the second change is a discard here; as data it would be longer.
        RecordedShell shell = new RecordedShell().On("diff", Reply.Of("rbd/diff-s1-s4-json"));
        IReadOnlyList<ImageChange> changes = await new RbdClient(shell)
            .DiffAsync(DiffSample.Location, "s4", "s1", false, default);
        byte[] sent = DiffSample.Recorded("diff-s1-s4");

        RbdDiffLayout asReported = new("s1", "s4", 48 << 20, changes);
        RbdDiffLayout asSent = new("s1", "s4", 48 << 20, [changes[0], changes[1] with { IsData = false }, changes[2]]);

        Assert.Equal(sent.Length, asSent.LengthBytes);
        Assert.Equal(sent.Length + 4096, asReported.LengthBytes);
        Assert.True(asSent.IsStructure(0, sent));
        Assert.Equal([new RbdDiffPart(52, 4096, 8192)], asSent.Locate(0, sent.Length));
        byte[] copy = [.. sent];
        asSent.CopyStructure(0, copy);
        Assert.Equal(sent, copy);
        Assert.True(new RbdDiffLayout("s3", "s4", 48 << 20, []).IsStructure(0, DiffSample.Recorded("diff-s3-s4")));
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(18)]
    [InlineData(4096)]
    public void A_layout_is_the_same_in_pieces(int pieceBytes)
    {
        RbdDiffLayout layout = Layout(Sample);
        byte[] whole = Sample.Stream();
        byte[] made = new byte[whole.Length];

        for (int offset = 0; offset < whole.Length; offset += Math.Min(pieceBytes, whole.Length))
        {
            Span<byte> piece = made.AsSpan(offset, Math.Min(pieceBytes, whole.Length - offset));
            layout.CopyStructure(offset, piece);
            foreach (RbdDiffPart part in layout.Locate(offset, piece.Length))
            {
                Sample.Expected(part.ImageOffsetBytes, part.Length).CopyTo(piece[part.Start..]);
            }

            Assert.True(layout.IsStructure(offset, piece));
        }

        Assert.Equal(whole.Length, layout.LengthBytes);
        Assert.Equal(whole, made);
    }

    [Fact]
    public void Invalid_changes_have_no_layout()
    {
        Assert.Throws<CephException>(() => new RbdDiffLayout(null, "s", 100, [new(0, 101, true)]));
        Assert.Throws<CephException>(() => new RbdDiffLayout(null, "s", 100, [new(5, 5, true), new(9, 1, false)]));
        Assert.Throws<CephException>(() => new RbdDiffLayout(null, "s", 100, [new(long.MaxValue, 2, true)]));
    }

    [Theory]
    [InlineData(1 << 20)]
    [InlineData(13)]
    [InlineData(512)]
    public async Task A_diff_is_read_in_the_format_of_rbd(int pieceBytes)
    {
        await using RbdDiffSource source = await OpenAsync(Sample.Shell());

        Assert.Equal([new Extent(0, source.SizeBytes)], source.Extents);
        Assert.Equal(Sample.Stream(), await DiffSample.ReadAsync(source, pieceBytes));
    }

    [Fact]
    public async Task Zeros_in_place_of_data_do_not_shorten_the_stream()
    {
        DiffSample sample = new()
        {
            FromSnapshot = "s1",
            Changes = [new(0, 700, true), new(4096, 100, true), new(100_000, 100, false)],
            Records = [new(0, 700, true), new(4096, 100, false), new(100_000, 100, false)],
        };

        await using RbdDiffSource source = await OpenAsync(sample.Shell());
        byte[] diff = await DiffSample.ReadAsync(source, 100);

        Assert.Equal(sample.Stream(sample.Changes).Length, diff.Length);
        int zeros = 12 + 14 + 9 + 17 + 700 + 17;
        Assert.Equal((byte)'w', diff[zeros - 17]);
        Assert.Equal(new byte[100], diff[zeros..(zeros + 100)]);
        Assert.Equal((byte)'z', diff[zeros + 100]);
    }

    [Fact]
    public async Task Without_data_nothing_is_exported()
    {
        DiffSample sample = new() { FromSnapshot = "s1", Changes = [new(0, 4096, false)] };
        RecordedShell shell = sample.Shell();

        await using RbdDiffSource source = await OpenAsync(shell);

        Assert.Equal(sample.Stream(), await DiffSample.ReadAsync(source, 1000));
        Assert.Equal(0, shell.Count("export-diff"));
    }

    [Fact]
    public async Task A_diff_is_queried_and_exported_exactly_from_the_same_snapshot()
    {
        RecordedShell shell = Sample.Shell();

        await using RbdDiffSource source = await OpenAsync(shell);
        _ = await DiffSample.ReadAsync(source, 1 << 20);

        Assert.Equal(2, shell.Count("--from-snap s1 rbd/a@s2"));
        Assert.Equal(0, shell.Count("--whole-object"));
    }

    [Fact]
    public async Task A_truncated_or_failed_stream_has_no_end_tag()
    {
        byte[] whole = Sample.Stream();
        foreach (Reply reply in new[] { Reply.Stream(whole[..^1]), Reply.Stream(whole[..80]), Reply.Stream(whole, 110),
            Reply.Stream([.. whole, 1]) })
        {
            await using RbdDiffSource source = await OpenAsync(Sample.Shell(reply));

            _ = await Assert.ThrowsAsync<CephException>(() => DiffSample.ReadAsync(source, 1000));
        }
    }

    [Fact]
    public async Task The_stream_of_another_snapshot_is_detected()
    {
        byte[] other =
            new DiffSample { FromSnapshot = "s0", SizeBytes = Sample.SizeBytes, Changes = Sample.Changes }.Stream();
        await using RbdDiffSource source = await OpenAsync(Sample.Shell(Reply.Stream(other)));

        CephException failure = await Assert.ThrowsAsync<CephException>(() => DiffSample.ReadAsync(source, 1000));

        Assert.Contains("which is not the diff", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(1000)]
    [InlineData(1 << 20)]
    public async Task A_diff_is_applied_in_any_order(int pieceBytes)
    {
        byte[] whole = Sample.Stream();
        BufferSink image = new(Sample.SizeBytes);
        Array.Fill(image.Content, (byte)0xee);
        RbdDiffSink sink = new(Layout(Sample), image);

        int[] pieces = [.. Enumerable.Range(0, ((whole.Length - 1) / pieceBytes) + 1)];
        new Random(5).Shuffle(pieces);
        await Parallel.ForEachAsync(pieces, async (piece, token) =>
        {
            int offset = piece * pieceBytes;
            await sink.WriteAsync(offset, whole.AsMemory(offset, Math.Min(pieceBytes, whole.Length - offset)), token);
        });

        byte[] expected = new byte[Sample.SizeBytes];
        Array.Fill(expected, (byte)0xee);
        foreach (ImageChange change in Sample.Changes)
        {
            Sample.Expected(change.OffsetBytes, (int)change.LengthBytes).CopyTo(expected, change.OffsetBytes);
        }

        Assert.Equal(SHA256.HashData(expected), SHA256.HashData(image.Content));
    }

    [Fact]
    public async Task Discards_are_passed_once_to_a_sink_that_supports_holes()
    {
        byte[] whole = Sample.Stream();
        List<Extent> holes = [];
        RbdDiffSink sink = new(Layout(Sample), new BufferSink(Sample.SizeBytes), (extent, _) =>
        {
            holes.Add(extent);
            return ValueTask.CompletedTask;
        });

        for (int offset = 0; offset < whole.Length; offset += 5)
        {
            await sink.WriteAsync(offset, whole.AsMemory(offset, Math.Min(5, whole.Length - offset)), default);
        }

        Assert.Equal([new Extent(1000, 50), new Extent(499_000, 1000)], holes);
    }

    [Fact]
    public async Task A_stream_that_differs_from_the_layout_is_not_applied()
    {
        byte[] whole = Sample.Stream();
        RbdDiffSink sink = new(Layout(Sample), new BufferSink(Sample.SizeBytes));
        whole[^18] = (byte)'w';

        CephException failure = await Assert.ThrowsAsync<CephException>(
            async () => await sink.WriteAsync(0, whole, default));

        Assert.Equal(ExitCode.DamageFound, failure.ExitCode);
        _ = await Assert.ThrowsAsync<CephException>(
            async () => await sink.WriteAsync(whole.Length, new byte[1], default));
    }

    private static RbdDiffLayout Layout(DiffSample sample) =>
        new(sample.FromSnapshot, DiffSample.Snapshot, sample.SizeBytes, sample.Changes);

    private static Task<RbdDiffSource> OpenAsync(RecordedShell shell) =>
        RbdDiffSource.OpenAsync(new RbdClient(shell), DiffSample.Location, "s1", DiffSample.Snapshot, false, default);
}
