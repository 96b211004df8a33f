using KvmBackup.Disks;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Disks;

public sealed class LocalFileTests : IDisposable
{
    private const long MiB = 1 << 20;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Only_ranges_with_data_are_extents()
    {
        string path = Sparse(64 * MiB, (8 * MiB, 100), (40 * MiB, 5000));

        using FileExtentSource source = FileExtentSource.Open(path);

        Assert.Equal(64 * MiB, source.SizeBytes);
        Assert.Equal(2, source.Extents.Count);
        Assert.True(Covers(source, 8 * MiB) && Covers(source, (40 * MiB) + 4999));
        Assert.InRange(source.DataBytes, 5100, MiB);
    }

    [Fact]
    public void The_parent_of_a_link_is_that_of_its_target_and_of_a_missing_folder_by_its_name()
    {
        _ = Directory.CreateDirectory(folder.PathOf("far", "deep"));
        _ = Directory.CreateSymbolicLink(folder.PathOf("link"), folder.PathOf("far", "deep"));

        Assert.Equal(folder.PathOf("far", "a"), LocalFile.WithoutParents(folder.PathOf("link", "..", "a")));
        Assert.Equal(folder.PathOf("a"), LocalFile.WithoutParents(folder.PathOf("gone", "..", ".", "a")));
        Assert.Equal(folder.PathOf("link", "a..b"), LocalFile.WithoutParents(folder.PathOf("link", "a..b")));
        Assert.Equal("/a", LocalFile.WithoutParents("/../../a"));
        Assert.Equal("../a", LocalFile.WithoutParents("../a"));
    }

    [Fact]
    public void A_small_hole_is_read_and_a_large_one_is_not()
    {
        using FileExtentSource joined = FileExtentSource.Open(Sparse(MiB, (0, 4096), (4096 + 16384, 4096)));
        using FileExtentSource apart = FileExtentSource.Open(Sparse(MiB, (0, 4096), (4096 + 65536, 4096)));

        Assert.Equal([new Extent(0, 4096 + 16384 + 4096)], joined.Extents);
        Assert.Equal([new Extent(0, 4096), new Extent(4096 + 65536, 4096)], apart.Extents);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(64 * MiB)]
    public void A_file_without_data_has_no_extent(long size)
    {
        using FileExtentSource source = FileExtentSource.Open(Sparse(size));

        Assert.Equal((size, 0), (source.SizeBytes, source.Extents.Count));
    }

    [Fact]
    public async Task Content_is_read_correctly_at_any_offset()
    {
        string path = Sparse(MiB, (4096, 4096));
        using FileExtentSource source = FileExtentSource.Open(path);
        byte[] expected = File.ReadAllBytes(path)[4000..9000];
        byte[] buffer = new byte[5000];

        await source.ReadAsync(4000, buffer, CancellationToken.None);

        Assert.Equal(expected, buffer);
    }

    [Fact]
    public void A_read_only_file_is_read()
    {
        string path = Sparse(MiB, (0, 10));
        File.SetUnixFileMode(path, UnixFileMode.UserRead);

        using FileExtentSource source = FileExtentSource.Open(path);

        Assert.Equal(0, source.Extents[0].OffsetBytes);
    }

    [Fact]
    public void A_file_that_another_program_writes_can_be_opened()
    {
        string path = Sparse(MiB, (0, 10));
        using FileStream writer = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);

        using FileExtentSource source = FileExtentSource.Open(path);

        Assert.Equal(MiB, source.SizeBytes);
    }

    [Fact]
    public async Task A_file_truncated_during_the_read_is_an_error()
    {
        string path = Sparse(MiB, (0, (int)MiB));
        using FileExtentSource source = FileExtentSource.Open(path);
        using (FileStream cut = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            cut.SetLength(5000);
        }

        DisksException failure = await Assert.ThrowsAsync<DisksException>(
            async () => await source.ReadAsync(4096, new byte[4096], CancellationToken.None));

        Assert.Contains("was truncated while it was read, at byte 5000", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_grows_during_the_read_keeps_its_initial_size()
    {
        string path = Sparse(MiB, (0, 10));
        using FileExtentSource source = FileExtentSource.Open(path);
        await File.AppendAllTextAsync(path, "more");

        Assert.Equal(MiB, source.SizeBytes);
        Assert.True(source.Extents[^1].EndBytes <= MiB);
    }

    [Fact]
    public void A_missing_file_is_reported_with_its_path() => Assert.Contains(
        folder.PathOf("absent"),
        Assert.Throws<DisksException>(() => FileExtentSource.Open(folder.PathOf("absent"))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_file_is_identified_by_its_inode()
    {
        string path = Sparse(10);
        FileIdentity before = LocalFile.Identify(path);
        File.Move(path, path + ".moved");
        _ = File.CreateSymbolicLink(path + ".link", path + ".moved");
        File.WriteAllText(path, "new");

        Assert.Equal(before, LocalFile.Identify(path + ".moved"));
        Assert.Equal(before, LocalFile.Identify(path + ".link"));
        Assert.NotEqual(before, LocalFile.Identify(path));
        Assert.False(LocalFile.IsBlockDevice(path));
        Assert.Equal(path + ".moved", LocalFile.ResolvePath(path + ".link"));
    }

    private static bool Covers(FileExtentSource source, long offset) =>
        source.Extents.Any(extent => extent.OffsetBytes <= offset && offset < extent.EndBytes);

    private string Sparse(long size, params (long Offset, int Length)[] runs)
    {
        string path = folder.PathOf($"{Guid.NewGuid()}");
        using FileStream file = File.Create(path);
        file.SetLength(size);
        foreach ((long offset, int length) in runs)
        {
            byte[] content = new byte[length];
            new Random(7).NextBytes(content);
            file.Position = offset;
            file.Write(content);
        }

        return path;
    }
}
