using KvmBackup.Ceph;

namespace KvmBackup.Tests.Ceph;

public sealed class DataSinkTests
{
    private const int Block = 64 * 1024;

    [Fact]
    public async Task Blocks_of_zeros_are_not_written_and_all_data_are()
    {
        byte[] content = new byte[10 * Block];
        content[0] = 1;
        content.AsSpan(4 * Block - 1, 2).Fill(2);
        content[^1] = 3;

        Assert.Equal(["0+65536", "196608+131072", "589824+65536"], await WrittenAsync(content, 0));
        Assert.Equal(["100+65436", "262144+65536", "655360+100"], await WrittenAsync(content, 100));
        Assert.Empty(await WrittenAsync(new byte[3 * Block], 5));
        Assert.Empty(await WrittenAsync([], 5));
    }

    /// <summary>Writes at an offset, and returns the writes that reached the image.</summary>
    private static async Task<IReadOnlyList<string>> WrittenAsync(byte[] content, long offset)
    {
        byte[] image = new byte[content.Length + offset];
        List<string> written = [];
        await new DataSink(new Collected(image, written)).WriteAsync(offset, content, default);
        Assert.True(image.AsSpan((int)offset).SequenceEqual(content));
        return written;
    }

    private sealed class Collected(byte[] image, List<string> written) : IExtentSink
    {
        public ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            data.CopyTo(image.AsMemory((int)offsetBytes));
            written.Add($"{offsetBytes}+{data.Length}");
            return ValueTask.CompletedTask;
        }
    }
}
