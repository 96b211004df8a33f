using KvmBackup.Ceph;
using KvmBackup.Shell;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Ceph;

public sealed class RbdClientTests
{
    private static readonly RbdLocation A = At("rbd/a");
    private readonly RecordedShell shell = new();
    private readonly RbdClient client;

    public RbdClientTests() => client = new RbdClient(shell);

    [Theory]
    [InlineData("info-json", 64L << 20, 4 << 20, true, true, null)]
    [InlineData("info-clone-json", 64L << 20, 4 << 20, true, true, "rbd/a@s1")]
    [InlineData("info-snap-after-enable", 8L << 20, 4 << 20, true, false, null)]
    [InlineData("info-without-object-map", 8L << 20, 4 << 20, false, false, null)]
    [InlineData("odd-size-info", 1000001, 4 << 20, true, true, null)]
    [InlineData("namespace-info", 8L << 20, 4 << 20, true, true, null)]
    public async Task An_image_is_described(
        string recording, long size, long objectSize, bool hasFastDiff, bool isValid, string? parent)
    {
        Answer("info", recording);

        RbdImageFacts facts = await client.DescribeAsync(A, null, default);

        Assert.Equal((size, objectSize, hasFastDiff, isValid),
            (facts.SizeBytes, facts.ObjectSizeBytes, facts.HasFastDiff, facts.IsFastDiffValid));
        Assert.Equal(parent, facts.Parent is null ? null : $"{facts.Parent}@{facts.ParentSnapshot}");
        Assert.Matches("^[0-9a-f]+$", facts.Id);
    }

    [Fact]
    public async Task Snapshots_are_listed_the_oldest_first()
    {
        Answer("snap ls", "snap-ls-resized");

        IReadOnlyList<RbdSnapshot> snapshots = await client.ListSnapshotsAsync(A, default);

        Assert.Equal(["s1", "s2", "s3", "s4"], snapshots.Select(one => one.Name));
        Assert.Equal(new RbdSnapshot(13, "s4", 48 << 20, false), snapshots[^1]);
        Answer("snap ls", "snap-ls");
        Assert.True((await client.ListSnapshotsAsync(A, default)).Single().IsProtected);
        Answer("snap ls", "snap-ls-empty");
        Assert.Empty(await client.ListSnapshotsAsync(A, default));
    }

    [Fact]
    public async Task The_content_of_an_image_is_the_sum_of_its_data()
    {
        Answer("diff", "diff-s1-s2-json");

        Assert.Equal(4096 + 4096 + 2162688, await client.QueryDataBytesAsync(A, null, default));
        Assert.Equal(["diff", "--format", "json", "--whole-object", "rbd/a"], shell.Calls[^1].Arguments.TakeLast(5));
        Answer("diff", "diff-s1-s2-json");
        Assert.Equal(4096 + 4096 + 2162688, await client.QueryDataBytesAsync(A, "s1", default));
        Assert.Equal(
            ["diff", "--format", "json", "--whole-object", "--from-snap", "s1", "rbd/a"],
            shell.Calls[^1].Arguments.TakeLast(7));
    }

    [Theory]
    [InlineData("diff-s1-json", "0+65536 4194304+12288 12582912+4194304 16777216+4096 41943040+4194304")]
    [InlineData("diff-s1-s2-json", "8192+4096 4198400+4096 41943040-4194304 50331648+2162688")]
    [InlineData("diff-s3-s4-json", "")]
    public async Task Changes_are_read(string recording, string expected)
    {
        Answer("diff", recording);

        IReadOnlyList<ImageChange> changes = await client.DiffAsync(A, "s2", "s1", false, default);

        Assert.Equal(expected,
            string.Join(' ', changes.Select(one => $"{one.OffsetBytes}{(one.IsData ? '+' : '-')}{one.LengthBytes}")));
    }

    [Fact]
    public async Task Calls_have_the_connection_options_and_time_limits()
    {
        RbdAccess byMonitors = new(["10.0.0.1:6789", "[fd00::1]:3300"], "backup", "/run/key", null, null);
        RbdAccess byFile = new(["10.0.0.1"], "backup", null, "/etc/ceph/two.conf", "/etc/ceph/two.keyring");
        shell.On("diff", Reply.Good("[]"), Reply.Good("[]"));

        _ = await client.DiffAsync(new(RbdImage.Parse("rbd/ns/a b"), byMonitors), "s2", "s1", true, default);
        _ = await client.DiffAsync(new(RbdImage.Parse("rbd/a"), byFile), "s2", null, false, default);

        Assert.Equal(
            [
                "rbd -c /dev/null --mon-host '10.0.0.1:6789,[fd00::1]:3300' --id backup --keyfile /run/key "
                + "--client-mount-timeout 30 --rados-osd-op-timeout 96 diff --format json --whole-object --from-snap "
                + "s1 'rbd/ns/a b@s2'",
                "rbd -c /etc/ceph/two.conf --id backup --keyring /etc/ceph/two.keyring --client-mount-timeout 30 "
                + "--rados-osd-op-timeout 96 diff --format json rbd/a@s2",
            ],
            shell.Calls.Select(call => call.ToString()));
    }

    [Fact]
    public void Calls_that_change_the_cluster_are_available_as_values()
    {
        const string Limits = "rbd --client-mount-timeout 30 --rados-osd-op-timeout 96";
        const string Long = "rbd --client-mount-timeout 30 --rados-osd-op-timeout 96";

        ProgramCall snapshot = RbdClient.CreateSnapshotCall(A, "s1", TimeSpan.FromSeconds(5));

        Assert.Equal("rbd --client-mount-timeout 4 --rados-osd-op-timeout 4 snap create --no-progress rbd/a@s1",
            snapshot.ToString());
        Assert.Equal(TimeSpan.FromSeconds(5), snapshot.Timeout);
        Assert.Equal($"{Long} snap rm --no-progress rbd/a@s1", RbdClient.RemoveSnapshotCall(A, "s1").ToString());
        Assert.Equal($"{Limits} snap protect rbd/a@s1", RbdClient.ProtectCall(A, "s1").ToString());
        Assert.Equal($"{Limits} snap unprotect rbd/a@s1", RbdClient.UnprotectCall(A, "s1").ToString());
        Assert.Equal($"{Limits} create --size 1000001B rbd/a", RbdClient.CreateImageCall(A, 1000001).ToString());
        Assert.Equal($"{Long} rm --no-progress rbd/a", RbdClient.RemoveImageCall(A).ToString());
        Assert.Equal($"{Long} import-diff --no-progress - rbd/a", RbdClient.ImportCall(A).ToString());
    }

    [Fact]
    public async Task A_request_that_changes_nothing_succeeds()
    {
        shell.On("snap rm", Recorded("snap-rm"), Recorded("snap-rm-missing"));
        shell.On("snap protect", Recorded("snap-protect"), Recorded("snap-protect-again"));
        shell.On("snap unprotect", Recorded("snap-unprotect"), Recorded("snap-unprotect-again"));
        shell.On("info", Recorded("info-missing-image"), Recorded("info-missing-snap"), Recorded("info-json"));

        Assert.True(await client.RemoveSnapshotAsync(A, "s0", default));
        Assert.False(await client.RemoveSnapshotAsync(A, "nosnap", default));
        await client.ProtectAsync(A, "s1", default);
        await client.ProtectAsync(A, "s1", default);
        await client.UnprotectAsync(A, "s1", default);
        await client.UnprotectAsync(A, "s1", default);
        Assert.Null(await client.TryDescribeAsync(A, null, default));
        Assert.Null(await client.TryDescribeAsync(A, "nosnap", default));
        Assert.NotNull(await client.TryDescribeAsync(A, null, default));
    }

    [Theory]
    [InlineData("info-missing-pool")]
    [InlineData("keyring-missing")]
    [InlineData("cluster-other")]
    [InlineData("namespace-missing")]
    public async Task A_failed_query_is_not_taken_for_a_missing_image(string recording)
    {
        Answer("info", recording);
        Answer("snap rm", recording);

        _ = await Assert.ThrowsAsync<CephException>(() => client.TryDescribeAsync(A, null, default));
        _ = await Assert.ThrowsAsync<CephException>(() => client.RemoveSnapshotAsync(A, "s1", default));
    }

    [Fact]
    public async Task The_removal_of_a_snapshot_of_a_missing_image_fails()
    {
        shell.On("snap rm", Reply.Bad("rbd: error opening image a: (2) No such file or directory", 2));

        _ = await Assert.ThrowsAsync<CephException>(() => client.RemoveSnapshotAsync(A, "s1", default));
    }

    [Theory]
    [InlineData("info-missing-image",
        "error opening image nothere: (2) No such file or directory. To list images and snapshots: "
        + "`rbd --id backup ls -l rbd`")]
    [InlineData("info-missing-pool",
        "error opening pool 'nopool': (2) No such file or directory. To list pools: `ceph osd pool ls`")]
    [InlineData("wrong-key", "couldn't connect to the cluster!. The key of client.backup is wrong")]
    [InlineData("id-unknown", "client.backup")]
    [InlineData("other-pool-user-info",
        "(1) Operation not permitted. client.backup lacks permission. To show its capabilities: "
        + "`ceph auth get client.backup` ; to replace them all: `ceph auth caps client.backup mon ")]
    [InlineData("bad-host-name", "couldn't connect to the cluster!. Check the monitors")]
    [InlineData("cluster-other", "Check the monitors")]
    [InlineData("keyring-missing", "the keyring of client.backup")]
    [InlineData("conf-missing", "unable to open config file from search list /nowhere.conf")]
    [InlineData(
        "snap-rm-protected", "snapshot 's1' is protected from removal. It is protected, has clones, or is in use")]
    [InlineData("snap-unprotect-with-children",
        "unprotecting snap failed: (16) Device or resource busy. It is protected, has clones")]
    [InlineData("snap-create-existing-no-progress", "(17) File exists. The existing one was not touched")]
    [InlineData("snap-create-over-limit", "(122) Disk quota exceeded. The limit of the image")]
    [InlineData("rm-image-with-snapshots", "Remove its snapshots first: `rbd --id backup snap ls rbd/a`")]
    [InlineData("rm-image-in-use",
        "a killed client counts for another 30 s: `rbd --id backup status rbd/a` ; `rbd --id backup snap ls rbd/a`")]
    [InlineData(
        "stopped-client-mount-timeout", "The cluster cannot be reached or is too slow, or the pool is full, which "
        + "blocks every write: `ceph health detail` ; `ceph df`")]
    [InlineData(
        "paused-rados-osd-op-timeout", "(110) Connection timed out. The cluster cannot be reached or is too slow")]
    public async Task A_failure_reports_its_cause_and_advice(string recording, string expected)
    {
        Answer("info", recording);
        RbdLocation location = A with { Access = new RbdAccess([], "backup", null, null, null) };

        CephException failure = await Assert.ThrowsAsync<CephException>(
            () => client.DescribeAsync(location, "s9", default));

        Assert.StartsWith("Describing rbd/a@s9 failed: rbd reported: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotMatch("[0-9]T[0-9]", failure.Message);
        Assert.DoesNotContain("rbd reported: rbd:", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_pool_and_a_hung_cluster_fail_at_the_time_limit()
    {
        shell.On("snap create", Reply.Killed);
        shell.On("diff", Reply.Killed);

        CephException failure = await Assert.ThrowsAsync<CephException>(
            () => client.CreateSnapshotAsync(A, "s1", TimeSpan.FromSeconds(8), default));

        Assert.StartsWith("Taking the snapshot s1 of rbd/a failed: rbd was killed after 8 s", failure.Message,
            StringComparison.Ordinal);
        Assert.Contains("the pool rbd is full", failure.Message, StringComparison.Ordinal);
        _ = await Assert.ThrowsAsync<CephException>(() => client.DiffAsync(A, "s1", null, false, default));
    }

    [Fact]
    public async Task A_missing_program_is_reported()
    {
        shell.On("info", Reply.Missing);

        Assert.True(
            (await Assert.ThrowsAsync<ShellException>(() => client.DescribeAsync(A, null, default))).IsProgramMissing);
    }

    [Theory]
    [InlineData("diff-missing-from-snap")]
    [InlineData("diff-missing-image")]
    [InlineData("diff-missing-snap")]
    [InlineData("diff-reversed-json")]
    public async Task The_output_of_a_failed_diff_is_not_used(string recording)
    {
        Answer("diff", recording);

        _ = await Assert.ThrowsAsync<CephException>(() => client.DiffAsync(A, "s2", "nosnap", false, default));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("[]]")]
    [InlineData("[] []")]
    [InlineData("""[{"offset":0,"length":1}]""")]
    [InlineData("""[{"offset":0,"exists":"true"}]""")]
    [InlineData("""[{"offset":"0","length":1,"exists":"true"}]""")]
    [InlineData("""[{"offset":0,"length":1,"exists":"perhaps"}]""")]
    [InlineData("""[{"offset":0,"length":1,"exists":1}]""")]
    [InlineData("""[{"offset":0,"length":0,"exists":"true"}]""")]
    [InlineData("""[{"offset":-1,"length":1,"exists":"true"}]""")]
    [InlineData("""[{"offset":0,"length":-1,"exists":"true"}]""")]
    [InlineData("""[{"offset":9223372036854775807,"length":9,"exists":"true"}]""")]
    [InlineData("""[{"offset":0,"length":99999999999999999999,"exists":"true"}]""")]
    [InlineData("""[{"offset":0,"length":5,"exists":"true"},{"offset":4,"length":1,"exists":"true"}]""")]
    [InlineData("""[{"offset":8,"length":1,"exists":"true"},{"offset":4,"length":1,"exists":"true"}]""")]
    public async Task An_invalid_diff_is_refused(string json)
    {
        shell.On("diff", Reply.Good(json));

        CephException failure = await Assert.ThrowsAsync<CephException>(
            () => client.DiffAsync(A, "s1", null, false, default));

        Assert.Contains("rbd/a", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fields_of_later_versions_are_ignored()
    {
        shell.On("diff", Reply.Good("""[{"new":{"a":[1,{}]},"offset":0,"length":1,"exists":true,"more":[[]]}]"""));

        Assert.Equal([new ImageChange(0, 1, true)], await client.DiffAsync(A, "s1", null, false, default));
    }

    [Fact]
    public async Task Damaged_answers_always_end_in_a_reported_failure()
    {
        Random random = new(4);
        foreach (string name in new[] { "info-clone-json", "snap-ls-resized", "diff-s1-s2-json" })
        {
            Recording whole = Recording.Read($"rbd/{name}");
            for (int times = 0; times < 500; times++)
            {
                string damaged = System.Text.Encoding.UTF8.GetString(
                    Mutation.Apply(System.Text.Encoding.UTF8.GetBytes(whole.Output), random));
                RecordedShell one = new RecordedShell().On("rbd", Reply.Good(damaged));
                RbdClient asked = new(one);
                Exception? failure = await Record.ExceptionAsync(() => name.Split('-')[0] switch
                {
                    "info" => asked.DescribeAsync(A, null, default),
                    "snap" => asked.ListSnapshotsAsync(A, default),
                    _ => asked.DiffAsync(A, "s2", "s1", false, default),
                });
                Assert.True(failure is null or CephException, $"{failure}\n{damaged}");
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("-s")]
    [InlineData("a/b")]
    [InlineData("a@b")]
    [InlineData("a\nb")]
    public void An_invalid_snapshot_name_is_refused(string name) =>
        Assert.Throws<CephException>(() => RbdClient.RemoveSnapshotCall(A, name));

    private static RbdLocation At(string spec) => new(RbdImage.Parse(spec), RbdAccess.Default);

    private static Reply Recorded(string name) => Reply.Of($"rbd/{name}");

    private void Answer(string command, string recording) => shell.On($" {command} ", Recorded(recording));
}
