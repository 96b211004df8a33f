using System.Buffers.Binary;
using KvmBackup.Ceph;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Ceph;

public sealed class RbdImageWriterTests
{
    private const int PrologueBytes = 12 + 9;

    [Fact]
    public async Task Writes_become_records_of_one_diff()
    {
        RecordedShell shell = new RecordedShell().On("import-diff", Reply.Good(""));
        await using RbdImageWriter writer = await OpenAsync(shell);

        await writer.WriteAsync(5000, new byte[] { 1, 2, 3 }, default);
        await writer.DiscardAsync(new Extent(100, 200), default);
        await writer.WriteAsync(0, new byte[] { 4 }, default);
        await writer.WriteAsync(8000, new byte[500], default);
        await writer.WriteAsync(9000, ReadOnlyMemory<byte>.Empty, default);
        await writer.CompleteAsync(default);

        byte[] input = shell.Opened[0].Input;
        Assert.Equal([.. "rbd diff v1\n"u8, (byte)'s', 0, 0, 0, 4, 0, 0, 0, 0], input[..PrologueBytes]);
        Assert.Equal(["w5000+3", "z100+200", "w0+1", "z8000+500"], Records(input).Select(record => record.Text));
        Assert.Equal([1, 2, 3, 4], Records(input).SelectMany(record => record.Data));
        Assert.Equal((byte)'e', input[^1]);
    }

    [Fact]
    public async Task Writes_of_several_threads_stay_intact_and_are_split_at_objects()
    {
        RecordedShell shell = new RecordedShell().On("import-diff", Reply.Good(""));
        await using RbdImageWriter writer = await OpenAsync(shell);
        byte[] content = new byte[20_000_000];
        new Random(3).NextBytes(content);
        content.AsSpan(4 << 20, 4 << 20).Clear();

        await Parallel.ForEachAsync(Enumerable.Range(0, 20), async (piece, token) =>
            await writer.WriteAsync(piece * 1_000_000, content.AsMemory(piece * 1_000_000, 1_000_000), token));
        await writer.CompleteAsync(default);

        byte[] written = new byte[content.Length];
        long total = 0;
        foreach ((string text, long offset, byte[] data) in Records(shell.Opened[0].Input))
        {
            long length = long.Parse(text.Split('+')[1], null);
            Assert.Equal(offset >> 22, (offset + length - 1) >> 22);
            data.CopyTo(written, offset);
            total += text[0] == 'w' ? data.Length : 0;
        }

        Assert.True(written.AsSpan().SequenceEqual(content));
        Assert.Equal(content.Length - (4 << 20), total);
    }

    [Fact]
    public async Task A_refusal_of_the_cluster_is_reported_with_the_message_of_rbd()
    {
        Reply refused = Reply.Of("rbd/import-diff-missing-image");
        RecordedShell shell = new RecordedShell().On("import-diff", Reply.Takes(PrologueBytes, refused), refused);

        await using RbdImageWriter early = await OpenAsync(shell);
        CephException broken = await Assert.ThrowsAsync<CephException>(
            async () => await early.WriteAsync(0, new byte[] { 1 }, default));
        CephException after = await Assert.ThrowsAsync<CephException>(
            async () => await early.WriteAsync(0, new byte[] { 1 }, default));
        await using RbdImageWriter late = await OpenAsync(shell);
        CephException atEnd = await Assert.ThrowsAsync<CephException>(() => late.CompleteAsync(default));

        Assert.All([broken, atEnd], failure => Assert.StartsWith(
            "Writing rbd/a failed: rbd reported: error opening image nothere: (2) No such file or directory",
            failure.Message,
            StringComparison.Ordinal));
        Assert.Contains("has already failed", after.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_its_completion_the_diff_has_no_end()
    {
        RecordedShell shell = new RecordedShell().On("import-diff", Reply.Of("rbd/import-diff-garbage"));
        await using (RbdImageWriter writer = await OpenAsync(shell))
        {
            await writer.WriteAsync(0, new byte[] { 7 }, default);
        }

        Assert.Equal(7, shell.Opened[0].Input[^1]);
        Assert.True(shell.Opened[0].IsDisposed);
    }

    [Fact]
    public async Task Nothing_can_be_written_after_the_end()
    {
        RecordedShell shell = new RecordedShell().On("import-diff", Reply.Good(""));
        await using RbdImageWriter writer = await OpenAsync(shell);
        await writer.CompleteAsync(default);

        _ = await Assert.ThrowsAsync<ObjectDisposedException>(
            async () => await writer.WriteAsync(0, new byte[] { 1 }, default));
    }

    private static Task<RbdImageWriter> OpenAsync(RecordedShell shell) =>
        RbdImageWriter.OpenAsync(new RbdClient(shell), DiffSample.Location, 64 << 20, default);

    private static IEnumerable<(string Text, long Offset, byte[] Data)> Records(byte[] input)
    {
        for (int at = PrologueBytes; input[at] != 'e';)
        {
            long offset = BinaryPrimitives.ReadInt64LittleEndian(input.AsSpan(at + 1));
            long length = BinaryPrimitives.ReadInt64LittleEndian(input.AsSpan(at + 9));
            int dataBytes = input[at] == 'w' ? (int)length : 0;
            yield return ($"{(char)input[at]}{offset}+{length}", offset, input[(at + 17)..(at + 17 + dataBytes)]);
            at += 17 + dataBytes;
        }
    }
}
