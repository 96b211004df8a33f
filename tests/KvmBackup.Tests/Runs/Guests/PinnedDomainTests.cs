using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs;
using KvmBackup.Runs.Guests;
using KvmBackup.Shell;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Guests;

public sealed class PinnedDomainTests : IDisposable
{
    private const string Freeze = "guest-fsfreeze-freeze";
    private const string Thaw = "guest-fsfreeze-thaw";
    private const string Status = "guest-fsfreeze-status";
    private const string Snapshot = "snapshot-create-as";
    private readonly Web1Host host = new();
    private readonly RecordedShell shell;
    private Reply snapshot;

    public PinnedDomainTests()
    {
        shell = host.Shell.Now("agent/thawed", "agent/osinfo", "agent/freeze", "agent/thaw");
        snapshot = Reply.Of("running/snapshot").Then(host.BePinned);
    }

    public void Dispose() => host.Dispose();

    [Theory]
    [InlineData(QuiesceMode.Try)]
    [InlineData(QuiesceMode.Require)]
    public async Task Agent_check_freeze_snapshot_and_thaw_have_this_order(QuiesceMode quiesce)
    {
        (PinnedDomain pin, OpenEntry entry) = await BeginAsync(quiesce);

        await pin.PinAsync(CancellationToken.None);

        Assert.Equal([Status, Freeze, Snapshot, Thaw, Status], Order());
        Assert.Equal((Consistency.Filesystem, null), (pin.Outcome.Consistency, pin.Outcome.Reason));
        Assert.NotNull(pin.Outcome.FrozenFor);
        Assert.Empty(pin.Outcome.Warnings(quiesce));
        Assert.Equal((JobStep.Pinned, FreezeState.Thawed), (entry.Current.Step, entry.Current.Freeze));
        Assert.All(entry.Current.Pins, one => Assert.Equal(PinState.Pinned, one.State));
        Assert.Equal(
            [LocalFile.Identify(host.Vda.OverlayPath), LocalFile.Identify(host.Vdb.OverlayPath)],
            entry.Current.Pins.Select(one => one.Overlay));
    }

    [Fact]
    public async Task Quiesce_off_never_calls_the_agent()
    {
        (PinnedDomain pin, OpenEntry entry) = await BeginAsync(QuiesceMode.Off);

        await pin.PinAsync(CancellationToken.None);

        Assert.Equal([Snapshot], Order());
        Assert.Equal(Consistency.Crash, pin.Outcome.Consistency);
        Assert.Empty(pin.Outcome.Warnings(QuiesceMode.Off));
        Assert.Equal(FreezeState.None, entry.Current.Freeze);
    }

    public static TheoryData<string, string, string> AgentsThatCannot => new()
    {
        { Status, "agent/not-connected", "QEMU guest agent is not connected" },
        { Status, "agent/not-configured", "QEMU guest agent is not configured" },
        { Status, "agent/hung", "Guest agent is not responding" },
        { Freeze, "agent/refused", "fsfreeze hook has failed with status 1" },
        { Freeze, "agent/freeze-timed-out", "Guest agent not available for now" },
    };

    [Theory]
    [MemberData(nameof(AgentsThatCannot))]
    public async Task Quiesce_try_continues_without_a_freeze_and_reports_the_reason(
        string question, string answer, string reason)
    {
        shell.On(question, Reply.Of(answer));
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        await pin.PinAsync(CancellationToken.None);

        Assert.Equal((Consistency.Crash, null), (pin.Outcome.Consistency, pin.Outcome.FrozenFor));
        Assert.Contains(reason, pin.Outcome.Reason, StringComparison.Ordinal);
        Assert.Contains(reason, Assert.Single(pin.Outcome.Warnings(QuiesceMode.Try)), StringComparison.Ordinal);

        // The freeze is undone before any other call.
        Assert.Equal(question == Freeze ? [Status, Freeze, Thaw, Status, Snapshot] : [Status, Snapshot], Order());
    }

    [Theory]
    [MemberData(nameof(AgentsThatCannot))]
    public async Task Quiesce_require_takes_no_snapshot_without_a_freeze(string question, string answer, string reason)
    {
        shell.On(question, Reply.Of(answer));
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Require);

        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => pin.PinAsync(CancellationToken.None));
        await pin.DisposeAsync();

        Assert.Equal(ExitCode.Failed, failure.ExitCode);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, shell.Count(Snapshot));
        Assert.True(pin.IsGuestClean);
    }

    [Fact]
    public async Task A_paused_guest_is_not_frozen()
    {
        shell.Now("paused/domstate");
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        await pin.PinAsync(CancellationToken.None);

        Assert.Equal([Snapshot], Order());
        Assert.Equal("the guest is paused", pin.Outcome.Reason);
    }

    [Fact]
    public async Task A_guest_that_another_program_froze_is_unchanged()
    {
        shell.On(Status, Reply.Of("agent/frozen"));
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => pin.PinAsync(CancellationToken.None));
        await pin.DisposeAsync();

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.Equal([Status], Order());
        Assert.True(pin.IsGuestClean);
    }

    [Fact]
    public async Task A_snapshot_that_fails_is_followed_by_the_thaw_before_anything_else()
    {
        snapshot = Reply.Of("pinned/snapshot-again");
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        _ = await Assert.ThrowsAsync<HypervisorException>(() => pin.PinAsync(CancellationToken.None));

        Assert.Equal([Status, Freeze, Snapshot, Thaw, Status], Order());
        await pin.DisposeAsync();
        Assert.Empty(pin.Problems);
        Assert.Equal(0, shell.Count("block"));
    }

    [Fact]
    public async Task A_snapshot_whose_answer_is_lost_is_waited_for_and_undone()
    {
        // virsh was killed; libvirt continues and reports its job twice: the overlays appear after the thaw.
        snapshot = Reply.Killed;
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);
        shell.On("domjobinfo", Snapshotting, Snapshotting.Then(host.BePinned));
        host.HaveWorkingCommits();

        _ = await Assert.ThrowsAsync<ShellException>(() => pin.PinAsync(CancellationToken.None));
        await pin.DisposeAsync();

        Assert.Equal([Status, Freeze, Snapshot, Thaw, Status], Order());
        Assert.Equal([Thaw, "domjobinfo", "domjobinfo", "domjobinfo"], shell.Order(Thaw, "domjobinfo").Skip(1));
        Assert.Equal(
            ["--path vda --pivot", "--path vdb --pivot"], shell.Order("--path vda --pivot", "--path vdb --pivot"));
        Assert.False(File.Exists(host.Vda.OverlayPath) || File.Exists(host.Vdb.OverlayPath));
        Assert.True(pin.IsGuestClean);
    }

    [Fact]
    public async Task A_snapshot_that_libvirt_may_still_take_is_left_to_recovery()
    {
        snapshot = Reply.Killed.Then(() => File.WriteAllText(host.Vda.OverlayPath, "made before the guest is put on "
            + "it"));
        (PinnedDomain pin, OpenEntry entry) = await BeginAsync(QuiesceMode.Try);
        shell.On("domjobinfo", [.. Enumerable.Repeat(0, 1000).Select(_ => Snapshotting)]);

        _ = await Assert.ThrowsAsync<ShellException>(() => pin.PinAsync(CancellationToken.None));
        await pin.DisposeAsync();

        Assert.Equal([Status, Freeze, Snapshot, Thaw, Status], Order());
        Assert.Contains("kvmbackup recover", Assert.Single(pin.Problems), StringComparison.Ordinal);
        Assert.False(pin.IsGuestClean);
        Assert.All(entry.Current.Pins, one => Assert.Equal(PinState.Planned, one.State));
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task The_snapshot_of_a_frozen_guest_has_the_limit_of_the_freeze()
    {
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        await pin.PinAsync(CancellationToken.None);

        Assert.Equal(
            Web1.Settings.FreezeTimeout, shell.Calls.Single(call => call.Arguments.Contains(Snapshot)).Timeout);
    }

    [Fact]
    public async Task A_snapshot_that_one_definition_does_not_show_is_undone()
    {
        snapshot = Reply.Of("running/snapshot").Then(() =>
        {
            host.BePinned();
            shell.Now("running/dumpxml-inactive");
        });
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);
        host.HaveWorkingCommits();

        HypervisorException failure =
            await Assert.ThrowsAsync<HypervisorException>(() => pin.PinAsync(CancellationToken.None));
        await pin.DisposeAsync();

        Assert.Contains("not on its overlay in the inactive definition", failure.Message, StringComparison.Ordinal);
        Assert.Equal([Status, Freeze, Snapshot, Thaw, Status], Order());
        Assert.False(File.Exists(host.Vda.OverlayPath) || File.Exists(host.Vdb.OverlayPath));
    }

    [Fact]
    public async Task An_unconfirmed_thaw_keeps_the_journal_open_and_releases_the_disks()
    {
        shell.On(Status, [Reply.Of("agent/thawed"), .. Enumerable.Repeat("agent/frozen", 5).Select(Reply.Of)]);
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        HypervisorException failure =
            await Assert.ThrowsAsync<HypervisorException>(() => pin.PinAsync(CancellationToken.None));
        host.HaveWorkingCommits();
        await pin.DisposeAsync();

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.False(pin.IsGuestClean);
        Assert.False(File.Exists(host.Vda.OverlayPath) || File.Exists(host.Vdb.OverlayPath));
    }

    [Fact]
    public async Task An_interruption_before_the_snapshot_changes_nothing()
    {
        using CancellationTokenSource source = new();
        shell.On(Freeze, Reply.Hang.Then(source.Cancel));
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pin.PinAsync(source.Token));
        await pin.DisposeAsync();

        Assert.Equal([Status, Freeze, Thaw, Status], Order());
        Assert.Empty(pin.Problems);
    }

    private static Reply Snapshotting => Reply.Good("Job type:         Unbounded\nOperation:        Snapshot\n");

    private string[] Order() => [.. shell.Order(Snapshot, Freeze, Thaw, Status)];

    private Task<(PinnedDomain Pin, OpenEntry Entry)> BeginAsync(QuiesceMode quiesce)
    {
        shell.On(Snapshot, snapshot);
        return host.BeginPinAsync(quiesce);
    }
}
