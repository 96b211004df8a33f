using KvmBackup.Ceph;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Ceph;

public sealed class RestoredImageTests
{
    private static readonly RbdLocation A = new(RbdImage.Parse("rbd/ns/a"), RbdAccess.Default);

    private static readonly Reply InUse = Reply.Bad("rbd: error: image still has watchers\n", 16);
    private static readonly Reply Unwatched = Reply.Good("""{"watchers":[]}""");
    private readonly RecordedShell shell = new();

    [Fact]
    public async Task An_image_is_renamed_to_its_final_name_last()
    {
        shell.On("create", Reply.Good("")).On("rename", Reply.Good(""));

        RestoredImage image = await CreateAsync();
        await image.CommitAsync(replace: false);
        await image.RemoveUnlessCommittedAsync();

        Assert.Equal(
            ["create --size 1000001B rbd/ns/a.kvmbackup-partial", "rename rbd/ns/a.kvmbackup-partial rbd/ns/a"],
            Words());
    }

    [Fact]
    public async Task An_uncommitted_image_is_removed_when_its_killed_client_has_expired()
    {
        shell.On("create", Reply.Good("")).On(" rm ", InUse, InUse, Reply.Good(""));

        await (await CreateAsync()).RemoveUnlessCommittedAsync();

        Assert.Equal(3, shell.Count("rm --no-progress rbd/ns/a.kvmbackup-partial"));
    }

    [Fact]
    public async Task An_image_that_cannot_be_renamed_is_removed_and_the_existing_one_stays()
    {
        shell.On("create", Reply.Good("")).On("rename", Reply.Bad("rbd: rename error: (17) File exists", 17))
            .On(" rm ", Reply.Good(""));

        RestoredImage image = await CreateAsync();
        await Assert.ThrowsAsync<CephException>(() => image.CommitAsync(replace: false));
        await image.RemoveUnlessCommittedAsync();

        Assert.Equal("rm --no-progress rbd/ns/a.kvmbackup-partial", Words()[^1]);
    }

    [Fact]
    public async Task A_replaced_image_is_removed_after_the_rename_of_the_new_one()
    {
        shell.On("create", Reply.Good("")).On("status", Unwatched).On("rename", Reply.Good(""), Reply.Good(""))
            .On(" rm ", Reply.Good(""));

        RestoredImage image = await CreateAsync();
        await image.CommitAsync(replace: true);
        await image.RemoveUnlessCommittedAsync();

        Assert.Equal(
            [
                "rename rbd/ns/a rbd/ns/a.kvmbackup-replaced", "rename rbd/ns/a.kvmbackup-partial rbd/ns/a",
                "rm --no-progress rbd/ns/a.kvmbackup-replaced",
            ],
            Words()[2..]);
    }

    [Fact]
    public async Task The_existing_image_gets_its_name_back_when_the_rename_fails()
    {
        shell.On("create", Reply.Good("")).On("status", Unwatched).On(" rm ", Reply.Good(""))
            .On("rename", Reply.Good(""), Reply.Bad("broken", 110), Reply.Good(""));

        RestoredImage image = await CreateAsync();
        await Assert.ThrowsAsync<CephException>(() => image.CommitAsync(replace: true));
        await image.RemoveUnlessCommittedAsync();

        Assert.Equal(
            ["rename rbd/ns/a.kvmbackup-replaced rbd/ns/a", "rm --no-progress rbd/ns/a.kvmbackup-partial"],
            Words()[^2..]);
    }

    [Fact]
    public async Task An_image_in_use_is_not_replaced()
    {
        shell.On("create", Reply.Good("")).On(" rm ", Reply.Good(""))
            .On("status", Reply.Good("""{"watchers":[{"address":"127.0.0.1:0/1","client":1,"cookie":2}]}"""));

        RestoredImage image = await CreateAsync();
        await Assert.ThrowsAsync<CephException>(() => image.CommitAsync(replace: true));
        await image.RemoveUnlessCommittedAsync();

        Assert.Equal(0, shell.Count("rename"));
        Assert.Equal(1, shell.Count("rm --no-progress rbd/ns/a.kvmbackup-partial"));
    }

    private Task<RestoredImage> CreateAsync()
    {
        RbdClient client = new(shell);
        return RestoredImage.CreateAsync(client, new RbdImageStore(client), A, 1_000_001, new AcceleratedTime());
    }

    private string[] Words() => [.. shell.Calls.Select(call => string.Join(' ', call.Arguments.Skip(4)))];
}
