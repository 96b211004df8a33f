using KvmBackup.Disks;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Disks;

public sealed class ImageLockTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // The shared locks of QEMU 7.2: of a guest that writes, and of one that reads and refuses writers.
    [Theory]
    [InlineData(true, 100, 101, 103, 201)]
    [InlineData(true, 101)]
    [InlineData(false, 100, 201)]
    [InlineData(false, 100, 102, 201, 203)]
    [InlineData(false)]
    public void An_image_has_a_writer_when_a_QEMU_has_locked_the_byte_for_writing(bool isExpected, params int[] locked)
    {
        string path = folder.PathOf("a,b.raw");
        File.WriteAllText(path, "content");
        DateTime writtenAt = File.GetLastWriteTimeUtc(path);
        using FileStream writer = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        foreach (int position in locked)
        {
            writer.Lock(position, 1);
        }

        Assert.Equal(isExpected, ImageLock.HasWriter(path));
        Assert.Equal("content", File.ReadAllText(path));
        Assert.Equal(writtenAt, File.GetLastWriteTimeUtc(path));
    }

    [Fact]
    public void A_writer_is_reported_with_the_disk_and_a_command_that_shows_it()
    {
        string path = folder.PathOf("vdc.raw");
        File.WriteAllText(path, "content");
        using FileStream writer = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        writer.Lock(101, 1);

        DisksException failure = Assert.Throws<DisksException>(
            () => ImageLock.EnsureNoWriter(new ImageLayer(path, "raw", 7, IsBlockDevice: false), "disk vdc"));

        Assert.StartsWith($"disk vdc ({path})", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"`fuser -v {path}`", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_image_is_a_failure() =>
        Assert.Contains(
            "gone.raw",
            Assert.Throws<DisksException>(() => ImageLock.HasWriter(folder.PathOf("gone.raw"))).Message,
            StringComparison.Ordinal);
}
