using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

public sealed class OverlaySnapshotTests
{
    private readonly RecordedShell shell = new();
    private readonly AcceleratedTime time = new();

    [Fact]
    public async Task The_call_equals_the_recorded_one()
    {
        shell.Now("running/snapshot");

        await Snapshot().CreateAsync(
            await Web1.DescribeAsync(), Web1.Id, [Web1.VdaOverlay, Web1.VdbOverlay], OverlaySnapshot.Limit,
            CancellationToken.None);

        Assert.Equal(1, shell.Count("snapshot-create-as"));
    }

    [Fact]
    public async Task Every_disk_has_a_diskspec_and_those_without_an_overlay_are_excluded()
    {
        DomainFacts facts = await Web1.DescribeAsync();

        IReadOnlyList<string> arguments = Snapshot().CreateCall(facts, Web1.Id, [Web1.VdaOverlay]).Arguments;

        string[] specifications = [.. arguments.Where((_, index) => index > 0 && arguments[index - 1] == "--diskspec")];
        Assert.Equal(facts.Disks.Select(disk => disk.Target.Value), specifications.Select(text => text.Split(',')[0]));
        Assert.Equal(
            [$"vda,snapshot=external,driver=qcow2,stype=file,file={Web1.VdaOverlay.OverlayPath}", "vdb,snapshot=no",
                "sda,snapshot=no"],
            specifications);
        Assert.Superset(new HashSet<string> { "--disk-only", "--atomic", "--no-metadata" }, arguments.ToHashSet());
    }

    [Fact]
    public async Task A_disk_of_the_next_start_only_has_no_diskspec()
    {
        // error: unsupported configuration: too many disk snapshot requests for domain
        DomainFacts facts = await With(Web1.Vdb, DiskPresence.NextStartOnly);

        Assert.DoesNotContain(
            Snapshot().CreateCall(facts, Web1.Id, [Web1.VdaOverlay]).Arguments, argument =>
                argument.StartsWith("vdb", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_overlay_of_a_disk_that_only_the_running_guest_has_is_not_expected_in_the_definition()
    {
        shell.Now("pinned/dumpxml", "vdb-released/dumpxml-inactive");
        Task Look(DomainFacts facts) =>
            Snapshot().EnsureAppliedAsync(facts, [Web1.VdaOverlay, Web1.VdbOverlay], CancellationToken.None);

        _ = await Assert.ThrowsAsync<HypervisorException>(async () => await Look(await Web1.DescribeAsync()));
        await Look(await With(Web1.Vdb, DiskPresence.RunningOnly));
    }

    [Fact]
    public async Task A_comma_in_the_path_is_doubled()
    {
        PlannedOverlay overlay = Web1.VdaOverlay with { OverlayPath = "/images/a,b,,c/o.qcow2" };

        AssertEndsWith(Snapshot().CreateCall(await Web1.DescribeAsync(), Web1.Id, [overlay]).Arguments,
            "file=/images/a,,b,,,,c/o.qcow2");
    }

    [Fact]
    public async Task A_refusal_contains_the_error_text_of_libvirt()
    {
        shell.Now("pinned/snapshot-again");
        DomainFacts facts = await Web1.DescribeAsync();

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(() => Snapshot().CreateAsync(
            facts, Web1.Id, [Web1.VdaOverlay, Web1.VdbOverlay], OverlaySnapshot.Limit, CancellationToken.None));

        Assert.Equal(ExitCode.Failed, failure.ExitCode);
        Assert.Contains("web1: taking the snapshot failed", failure.Message, StringComparison.Ordinal);
        Assert.Contains("already exists and is not a block device", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pinned/dumpxml", "pinned/dumpxml-inactive", null)]
    [InlineData("running/dumpxml", "pinned/dumpxml-inactive", "vda: the snapshot was taken, but the disk is not on "
        + "its overlay in the live definition")]
    [InlineData(
        "pinned/dumpxml", "running/dumpxml-inactive",
        "vda: the snapshot was taken, but the disk is not on its overlay in the inactive definition")]
    [InlineData(
        "half-released/dumpxml", "pinned/dumpxml-inactive",
        "vda: the snapshot was taken, but the disk is not on its overlay in the live definition")]
    [InlineData(
        "vdb-released/dumpxml", "pinned/dumpxml-inactive",
        "vdb: the snapshot was taken, but the disk is not on its overlay in the live definition")]
    public async Task Both_definitions_must_show_every_overlay(string live, string inactive, string? complaint)
    {
        shell.Now(live, inactive);

        Task look = Snapshot().EnsureAppliedAsync(
            await Web1.DescribeAsync(), [Web1.VdaOverlay, Web1.VdbOverlay], CancellationToken.None);

        if (complaint is null)
        {
            await look;
        }
        else
        {
            Assert.Contains(
                complaint, (await Assert.ThrowsAsync<HypervisorException>(() => look)).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_end_of_a_snapshot_is_waited_for_while_libvirt_is_busy_or_does_not_answer()
    {
        Reply works = Reply.Good("Job type:         Unbounded");
        shell.Now("running/domstate", "running/domjobinfo", "running/domname")
            .On("domjobinfo", works, Reply.Killed, Reply.Bad("error: failed to connect"), works);

        Assert.True(await Snapshot().TryWaitForEndAsync(Web1.Identity, CancellationToken.None));

        Assert.Equal(5, shell.Count("domjobinfo"));
    }

    [Fact]
    public async Task The_end_of_a_domain_that_is_gone_is_not_waited_for()
    {
        shell.On("domstate", Reply.Bad("error: failed to get domain")).On(
            "domname", Reply.Bad("error: failed to get domain"))
            .On("list --all", Reply.Good("\n"));

        Assert.True(await Snapshot().TryWaitForEndAsync(Web1.Identity, CancellationToken.None));

        Assert.Equal(1, shell.Count("domstate"));
    }

    [Fact]
    public async Task The_wait_for_the_end_of_a_snapshot_has_a_limit()
    {
        shell.Now("running/domstate")
            .On("domjobinfo", [.. Enumerable.Repeat(0, 1000).Select(_ => Reply.Good("Job type:         Unbounded"))]);

        Assert.False(await Snapshot().TryWaitForEndAsync(Web1.Identity, CancellationToken.None));

        Assert.InRange(time.Elapsed, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5));
    }

    private static async Task<DomainFacts> With(DiskTarget target, DiskPresence presence)
    {
        DomainFacts facts = await Web1.DescribeAsync();
        return facts with
        {
            Disks = [.. facts.Disks.Select(disk => disk.Target == target ? disk with { Presence = presence } : disk)],
        };
    }

    private static void AssertEndsWith(IReadOnlyList<string> arguments, string end) =>
        Assert.Contains(arguments, argument => argument.EndsWith(end, StringComparison.Ordinal));

    private OverlaySnapshot Snapshot()
    {
        Virsh virsh = new(shell, null);
        return new OverlaySnapshot(virsh, new LibvirtHost(virsh), time);
    }
}
