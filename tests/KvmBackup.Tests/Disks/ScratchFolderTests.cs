using KvmBackup.Disks;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Disks;

public sealed class ScratchFolderTests : IDisposable
{
    private const string Dead = "kvmbackup-restore-abcdefgh.i12";
    private readonly TemporaryFolder parent = new();

    public void Dispose() => parent.Dispose();

    [Fact]
    public async Task One_that_a_killed_program_left_is_removed_with_all_that_is_in_it_and_that_is_told()
    {
        Make(Dead);

        Assert.StartsWith($"removed {parent.PathOf(Dead)}, which a killed restore had left (", Assert.Single(await RemoveAbandonedAsync()), StringComparison.Ordinal);

        Assert.Empty(Directory.GetFileSystemEntries(parent.DirectoryPath));
    }

    [Fact]
    public async Task One_that_is_in_use_stays_until_its_scope_ends()
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
    public async Task Another_name_is_none_of_ours(string name)
    {
        Make(name);

        Assert.Empty(await RemoveAbandonedAsync());

        Assert.True(Directory.Exists(parent.PathOf(name)));
    }

    [Fact]
    public async Task What_has_no_lock_or_is_a_link_is_left_alone()
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
    public async Task A_place_that_is_not_there_holds_none() =>
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
