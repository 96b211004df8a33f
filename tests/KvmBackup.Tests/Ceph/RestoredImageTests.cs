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
    public async Task An_image_gets_its_name_last()
    {
        shell.On("create", Reply.Good("")).On("rename", Reply.Good(""));

        RestoredImage image = await CreateAsync();
        await image.CommitAsync(replace: false);
        await image.LeaveAsync();

        Assert.Equal(
            ["create --size 1000001B rbd/ns/a.kvmbackup-partial", "rename rbd/ns/a.kvmbackup-partial rbd/ns/a"], Words());
    }

    [Fact]
    public async Task One_that_was_not_committed_goes_as_soon_as_a_killed_client_is_forgotten()
    {
        shell.On("create", Reply.Good("")).On(" rm ", InUse, InUse, Reply.Good(""));

        await (await CreateAsync()).LeaveAsync();

        Assert.Equal(3, shell.Count("rm --no-progress rbd/ns/a.kvmbackup-partial"));
    }

    [Fact]
    public async Task One_that_cannot_be_renamed_goes_and_the_one_that_was_there_stays()
    {
        shell.On("create", Reply.Good("")).On("rename", Reply.Bad("rbd: rename error: (17) File exists", 17)).On(" rm ", Reply.Good(""));

        RestoredImage image = await CreateAsync();
        await Assert.ThrowsAsync<CephException>(() => image.CommitAsync(replace: false));
        await image.LeaveAsync();

        Assert.Equal("rm --no-progress rbd/ns/a.kvmbackup-partial", Words()[^1]);
    }

    [Fact]
    public async Task What_is_replaced_goes_only_after_the_new_image_has_its_name()
    {
        shell.On("create", Reply.Good("")).On("status", Unwatched).On("rename", Reply.Good(""), Reply.Good("")).On(" rm ", Reply.Good(""));

        RestoredImage image = await CreateAsync();
        await image.CommitAsync(replace: true);
        await image.LeaveAsync();

        Assert.Equal(
            [
                "rename rbd/ns/a rbd/ns/a.kvmbackup-replaced", "rename rbd/ns/a.kvmbackup-partial rbd/ns/a",
                "rm --no-progress rbd/ns/a.kvmbackup-replaced",
            ],
            Words()[2..]);
    }

    [Fact]
    public async Task What_was_to_be_replaced_gets_its_name_again_when_the_new_image_does_not_get_it()
    {
        shell.On("create", Reply.Good("")).On("status", Unwatched).On(" rm ", Reply.Good(""))
            .On("rename", Reply.Good(""), Reply.Bad("broken", 110), Reply.Good(""));

        RestoredImage image = await CreateAsync();
        await Assert.ThrowsAsync<CephException>(() => image.CommitAsync(replace: true));
        await image.LeaveAsync();

        Assert.Equal(
            ["rename rbd/ns/a.kvmbackup-replaced rbd/ns/a", "rm --no-progress rbd/ns/a.kvmbackup-partial"], Words()[^2..]);
    }

    [Fact]
    public async Task What_is_in_use_is_not_replaced()
    {
        shell.On("create", Reply.Good("")).On(" rm ", Reply.Good(""))
            .On("status", Reply.Good("""{"watchers":[{"address":"127.0.0.1:0/1","client":1,"cookie":2}]}"""));

        RestoredImage image = await CreateAsync();
        await Assert.ThrowsAsync<CephException>(() => image.CommitAsync(replace: true));
        await image.LeaveAsync();

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
