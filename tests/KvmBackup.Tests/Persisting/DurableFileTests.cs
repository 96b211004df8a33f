using KvmBackup.Persisting;
using KvmBackup.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Tests.Persisting;

public sealed class DurableFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_is_replaced_in_one_step_without_leftovers()
    {
        string path = folder.PathOf("file");
        DurableFile.Replace(path, "a longer first content"u8);
        DurableFile.Replace(path, "second"u8);
        Assert.Equal("second", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.DirectoryPath));
    }

    [Fact]
    public void A_failed_write_keeps_the_previous_file()
    {
        string path = folder.PathOf("file");
        DurableFile.Replace(path, "first"u8);
        _ = File.CreateSymbolicLink(path + DurableFile.TemporaryExtension, "/dev/full");
        _ = Assert.ThrowsAny<IOException>(() => DurableFile.Replace(path, "second"u8));
        Assert.Equal("first", File.ReadAllText(path));
    }

    [Fact]
    public void A_new_file_never_overwrites_another()
    {
        string path = folder.PathOf("file");
        DurableFile.CreateNew(path, "first"u8);
        _ = Assert.ThrowsAny<IOException>(() => DurableFile.CreateNew(path, "second"u8));
        Assert.Equal("first", File.ReadAllText(path));
    }

    [Fact]
    public void A_directory_is_created_once_and_a_missing_parent_is_reported()
    {
        Assert.True(DurableFile.TryMakeDirectory(folder.PathOf("a")));
        Assert.False(DurableFile.TryMakeDirectory(folder.PathOf("a")));
        IOException failure = Assert.ThrowsAny<IOException>(
            () => DurableFile.TryMakeDirectory(folder.PathOf("b", "c")));
        Assert.Contains("No such file or directory", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_others_could_read_is_restricted()
    {
        string path = folder.PathOf("file");
        File.WriteAllText(path, "x");
        File.SetUnixFileMode(path, DurableFile.FileMode | UnixFileMode.OtherRead);
        using (SafeFileHandle file = File.OpenHandle(path))
        {
            DurableFile.Restrict(file);
        }

        Assert.Equal(DurableFile.FileMode, File.GetUnixFileMode(path));
    }
}
