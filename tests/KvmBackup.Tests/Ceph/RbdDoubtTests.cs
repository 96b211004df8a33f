using KvmBackup.Ceph;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Ceph;

/// <summary>Answers of rbd that leave the state of the cluster uncertain.</summary>
public sealed class RbdDoubtTests
{
    private static readonly RbdLocation A = new(RbdImage.Parse("rbd/a"), RbdAccess.Default);
    private readonly RecordedShell shell = new();
    private readonly RbdClient client;

    public RbdDoubtTests() => client = new RbdClient(shell);

    [Fact]
    public async Task A_snapshot_removed_during_the_read_invalidates_the_data()
    {
        shell.On("snap ls", Reply.Of("rbd/snap-ls-resized"), Reply.Of("rbd/snap-ls-resized"));

        Assert.Equal(4, (await client.EnsureSnapshotsExistAsync(A, [("s1", null), ("s4", null)], default)).Count);
        CephException failure = await Assert.ThrowsAsync<CephException>(
            () => client.EnsureSnapshotsExistAsync(A, [("s1", null), ("s5", null)], default));

        Assert.Contains(
            "The snapshot rbd/a@s5 was removed while it was read", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_snapshot_of_the_same_name_is_not_the_one_that_was_read()
    {
        shell.On("snap ls", Reply.Of("rbd/snap-ls-resized"), Reply.Of("rbd/snap-ls-resized"));

        _ = await client.EnsureSnapshotsExistAsync(A, [("s1", 4L), ("s4", 13L)], default);
        CephException failure = await Assert.ThrowsAsync<CephException>(
            () => client.EnsureSnapshotsExistAsync(A, [("s1", 4L), ("s4", 12L)], default));

        Assert.Contains(
            "The snapshot rbd/a@s4 was removed while it was read", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("snap-create-over-limit", true)]
    [InlineData("read-only-user-snap-create", true)]
    [InlineData("paused-rados-osd-op-timeout-snap-create", false)]
    public async Task A_refusal_is_distinguished_from_an_uncertain_failure(string recording, bool isRefusal)
    {
        shell.On(" snap create ", Reply.Of($"rbd/{recording}"));

        CephException failure = await Assert.ThrowsAsync<CephException>(
            () => client.CreateSnapshotAsync(A, "s9", TimeSpan.FromSeconds(5), default));

        Assert.Equal(isRefusal, failure.IsRefusal);
    }

    [Fact]
    public async Task A_pool_without_space_is_reported_with_the_command_that_shows_it()
    {
        shell.On(" snap create ", Reply.Bad("rbd: failed to create snapshot: (28) No space left on device", 28));

        CephException failure = await Assert.ThrowsAsync<CephException>(
            () => client.CreateSnapshotAsync(A, "s9", TimeSpan.FromSeconds(5), default));

        Assert.EndsWith("The pool is full: `ceph df`", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ceph version 16.2.15 (618f440892089921c3e944a991122ddc44e60516) pacific (stable)\n", "16.2.15")]
    [InlineData("ceph version 17.2.6-1-gabc (618f) quincy (stable)\n", "17.2.6")]
    [InlineData("something else", null)]
    [InlineData("", null)]
    public async Task The_release_of_Ceph_is_read(string output, string? release)
    {
        shell.On("rbd --version", Reply.Good(output));

        Assert.Equal(release, (await client.ReadReleaseAsync(default))?.ToString());
    }
}
