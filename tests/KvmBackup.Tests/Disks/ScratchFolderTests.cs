using KvmBackup.Disks;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Disks;

public sealed class ScratchFolderTests : IDisposable
{
    private const string Dead = "kvmbackup-restore-abcdefgh.i12";
    private readonly TemporaryFolder parent = new();

    public void Dispose() => parent.Dispose();

    [Fact]
    public async Task A_folder_of_a_killed_program_is_removed_and_reported()
    {
        Make(Dead);

        Assert.StartsWith($"removed {parent.PathOf(Dead)}, left by a killed restore (",
            Assert.Single(await RemoveAbandonedAsync()), StringComparison.Ordinal);

        Assert.Empty(Directory.GetFileSystemEntries(parent.DirectoryPath));
    }

    [Fact]
    public async Task A_folder_in_use_is_not_removed()
    {
        using (ScratchFolder folder = await ScratchFolder.CreateAsync(parent.DirectoryPath, TimeProvider.System))
        {
            File.WriteAllText(Path.Combine(folder.DirectoryPath, "vda.qcow2"), "half");
            Assert.Empty(await RemoveAbandonedAsync());
            Assert.True(File.Exists(Path.Combine(folder.DirectoryPath, "vda.qcow2")));
        }

        Assert.Empty(Directory.GetFileSystemEntries(parent.DirectoryPath));
    }

    [Theory]
    [InlineData("kvmbackup-restore-mine")]
    [InlineData("kvmbackup-restore-abcdefgh.i12.new")]
    [InlineData("kvmbackup-restore-ABCDEFGH.i12")]
    public async Task A_folder_of_another_name_is_not_removed(string name)
    {
        Make(name);

        Assert.Empty(await RemoveAbandonedAsync());

        Assert.True(Directory.Exists(parent.PathOf(name)));
    }

    [Fact]
    public async Task A_folder_without_a_lock_and_a_link_are_not_removed()
    {
        Make(Dead);
        File.Delete(parent.PathOf(Dead, ".lock"));
        Assert.Empty(await RemoveAbandonedAsync());

        Make("precious");
        string link = parent.PathOf("kvmbackup-restore-zbcdefgh.i12");
        _ = Directory.CreateSymbolicLink(link, parent.PathOf("precious"));
        Assert.Empty(await RemoveAbandonedAsync());

        Assert.True(File.Exists(parent.PathOf("precious", "vda.qcow2")));
        Assert.True(Directory.Exists(link));
    }

    [Fact]
    public async Task A_missing_parent_contains_no_folders() =>
        Assert.Empty(await ScratchFolder.RemoveAbandonedAsync([parent.PathOf("nowhere")], TimeProvider.System));

    private Task<IReadOnlyList<string>> RemoveAbandonedAsync() =>
        ScratchFolder.RemoveAbandonedAsync([parent.DirectoryPath], TimeProvider.System);

    private void Make(string name)
    {
        _ = Directory.CreateDirectory(parent.PathOf(name));
        File.WriteAllText(parent.PathOf(name, ".lock"), string.Empty);
        File.WriteAllText(parent.PathOf(name, "vda.qcow2"), "half of a disk");
    }
}
