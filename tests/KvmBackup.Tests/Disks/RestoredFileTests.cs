using KvmBackup.Disks;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Disks;

public sealed class RestoredFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_file_gets_its_final_name_by_the_commit()
    {
        string path = folder.PathOf("new", "vda.raw");
        await using RestoredFile file = RestoredFile.Create(path, 1 << 20, null);
        await file.WriteAsync(4096, "content"u8.ToArray(), CancellationToken.None);
        Assert.False(File.Exists(path));

        file.Commit(replace: false);

        byte[] content = File.ReadAllBytes(path);
        Assert.Equal(1 << 20, content.Length);
        Assert.Equal("content"u8.ToArray(), content[4096..4103]);
        Assert.Equal([path], Directory.GetFiles(folder.PathOf("new")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public async Task Ranges_that_were_not_written_are_holes()
    {
        string path = folder.PathOf("vda.raw");
        await using (RestoredFile file = RestoredFile.Create(path, 64 << 20, null))
        {
            await file.WriteAsync(0, new byte[] { 1 }, CancellationToken.None);
            file.Commit(replace: false);
        }

        using FileExtentSource source = FileExtentSource.Open(path);
        Assert.InRange(source.DataBytes, 1, 1 << 20);
    }

    [Fact]
    public async Task Written_zeros_become_holes_in_pieces_of_any_size()
    {
        const int size = 8 << 20;
        byte[] content = new byte[size];
        content.AsSpan(100_000, 50_000).Fill(1);
        content.AsSpan((4 << 20) - 1, 2).Fill(2);
        content[^1] = 3;
        string path = folder.PathOf("vda.raw");
        await using (RestoredFile file = RestoredFile.Create(path, size, null))
        {
            Random random = new(4);
            for (int start = 0; start < size;)
            {
                int length = Math.Min(1 + random.Next(1 << 20), size - start);
                await file.WriteAsync(start, content.AsMemory(start, length), CancellationToken.None);
                start += length;
            }

            file.Commit(replace: false);
        }

        Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(content));

        // 50,000 bytes use 13 blocks of 4 KiB, the next two runs 3; a file system may use some for its map.
        Assert.InRange(LocalFile.AllocatedBytes(path), 16 * 4096, 32 * 4096);
    }

    [Fact]
    public async Task A_dispose_without_a_commit_removes_the_file()
    {
        await using (RestoredFile.Create(folder.PathOf("vda.raw"), 10, null))
        {
            Assert.Single(Directory.GetFiles(folder.DirectoryPath));
        }

        Assert.Empty(Directory.GetFiles(folder.DirectoryPath));
    }

    [Fact]
    public async Task An_existing_file_is_replaced_only_on_request()
    {
        string path = folder.PathOf("vda.raw");
        File.WriteAllText(path, "precious");
        await using (RestoredFile file = RestoredFile.Create(path, 3, null))
        {
            _ = Assert.Throws<DisksException>(() => file.Commit(replace: false));
        }

        Assert.Equal("precious", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.DirectoryPath));
        await using (RestoredFile file = RestoredFile.Create(path, 3, null))
        {
            file.Commit(replace: true);
        }

        Assert.Equal(3, new FileInfo(path).Length);
    }

    [Fact]
    public async Task A_partial_file_of_another_restore_is_not_touched()
    {
        await using RestoredFile first = RestoredFile.Create(folder.PathOf("vda.raw"), 10, null);

        DisksException failure = Assert.Throws<DisksException>(
            () => RestoredFile.Create(folder.PathOf("vda.raw"), 20, null));

        Assert.Contains("If an interrupted restore left it, delete it", failure.Message, StringComparison.Ordinal);
        Assert.Equal(10, new FileInfo(first.WorkingPath).Length);
    }

    [Fact]
    public void A_size_beyond_the_limit_of_the_file_system_leaves_no_file()
    {
        _ = Assert.Throws<DisksException>(() => RestoredFile.Create(folder.PathOf("vda.raw"), long.MaxValue - 1, null));

        Assert.Empty(Directory.GetFiles(folder.DirectoryPath));
    }
}
