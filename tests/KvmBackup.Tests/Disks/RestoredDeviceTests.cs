using KvmBackup.Disks;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Disks;

/// <summary>Uses a file in place of the device: the calls are the same, and freed blocks are visible.</summary>
public sealed class RestoredDeviceTests : IDisposable
{
    private const int Size = 8 << 20;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Old_content_is_overwritten_and_zeros_are_not_allocated()
    {
        string path = Former(Size);
        byte[] data = new byte[3 << 20];
        data.AsSpan(0, 200_000).Fill(1);
        data.AsSpan(data.Length - 5, 5).Fill(2);
        Extent[] extents = [new(1_000_001, data.Length), new(6 << 20, 512)];
        await using (RestoredDevice device = RestoredDevice.Open(path, Size, extents))
        {
            await device.WriteAsync(extents[0].OffsetBytes, data, CancellationToken.None);
            await device.WriteAsync(extents[1].OffsetBytes, new byte[512], CancellationToken.None);
            device.Commit(replace: true);
        }

        byte[] expected = new byte[Size];
        data.CopyTo(expected, 1_000_001);
        Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(expected));

        // 200 KB of data, which begin and end within blocks of 64 KiB, and the last 5 bytes.
        Assert.InRange(LocalFile.AllocatedBytes(path), 200_000, 600_000);
    }

    [Fact]
    public async Task Bytes_beyond_the_disk_are_not_changed()
    {
        string path = Former(Size);
        await using (RestoredDevice.Open(path, Size - 5000, []))
        {
        }

        byte[] content = File.ReadAllBytes(path);
        Assert.Equal(-1, content.AsSpan(0, Size - 5000).IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, content.AsSpan(Size - 5000).IndexOfAnyExcept((byte)0xFF));
    }

    [Fact]
    public void A_device_that_is_too_small_is_not_written()
    {
        string path = Former(5000);

        DisksException failure = Assert.Throws<DisksException>(() => RestoredDevice.Open(path, 5001, []));

        Assert.Contains("5000 bytes and the backup's disk 5001", failure.Message, StringComparison.Ordinal);
        Assert.Equal(-1, File.ReadAllBytes(path).AsSpan().IndexOfAnyExcept((byte)0xFF));
    }

    private string Former(int size)
    {
        byte[] content = new byte[size];
        content.AsSpan().Fill(0xFF);
        string path = folder.PathOf("device");
        File.WriteAllBytes(path, content);
        return path;
    }
}
