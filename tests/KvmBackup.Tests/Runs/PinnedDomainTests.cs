using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Model;
using KvmBackup.Runs;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs;

public sealed class PinnedDomainTests : IDisposable
{
    private const string Freeze = "guest-fsfreeze-freeze";
    private const string Thaw = "guest-fsfreeze-thaw";
    private const string Status = "guest-fsfreeze-status";
    private const string Snapshot = "snapshot-create-as";
    private readonly TemporaryFolder folder = new();
    private readonly RecordedShell shell;
    private readonly ImpatientTime time = new();
    private readonly PlannedOverlay vda;
    private readonly PlannedOverlay vdb;

    public PinnedDomainTests()
    {
        vda = Here(Web1.VdaOverlay);
        vdb = Here(Web1.VdbOverlay);
        shell = new RecordedShell(folder.DirectoryPath).Now(
            [.. Web1.Facts, "running/dumpxml", "running/dumpxml-inactive", "agent/thawed", "agent/freeze", "agent/thaw"]);
        PinWith(() => _ = shell.On(Snapshot, Reply.Of("running/snapshot").Then(HavePinned)));
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(QuiesceMode.Try)]
    [InlineData(QuiesceMode.Require)]
    public async Task A_guest_is_asked_frozen_pinned_and_thawed_in_this_order(QuiesceMode quiesce)
    {
        (PinnedDomain pin, OpenEntry entry) = await BeginAsync(quiesce);

        await pin.PinAsync(CancellationToken.None);

        Assert.Equal([Status, Freeze, Snapshot, Thaw, Status], Order());
        Assert.Equal((Consistency.Filesystem, null, false), (pin.Consistency, pin.ConsistencyReason, pin.IsDowngraded));
        Assert.NotNull(pin.FrozenFor);
        Assert.Equal((JobStep.Pinned, FreezeState.Thawed), (entry.Current.Step, entry.Current.Freeze));
        Assert.All(entry.Current.Pins, one => Assert.Equal(PinState.Pinned, one.State));
    }

    [Fact]
    public async Task Quiesce_off_never_asks_the_agent()
    {
        (PinnedDomain pin, OpenEntry entry) = await BeginAsync(QuiesceMode.Off);

        await pin.PinAsync(CancellationToken.None);

        Assert.Equal([Snapshot], Order());
        Assert.Equal((Consistency.Crash, false), (pin.Consistency, pin.IsDowngraded));
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
    public async Task Quiesce_try_goes_on_without_a_freeze_and_says_why(string question, string answer, string reason)
    {
        shell.On(question, Reply.Of(answer));
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        await pin.PinAsync(CancellationToken.None);

        Assert.Equal((Consistency.Crash, true), (pin.Consistency, pin.IsDowngraded));
        Assert.Contains(reason, pin.ConsistencyReason, StringComparison.Ordinal);
        Assert.Null(pin.FrozenFor);

        // What was asked for is undone before anything else happens.
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
        Assert.Empty(pin.Troubles);
        Assert.False(pin.IsUncertain);
    }

    [Fact]
    public async Task A_paused_guest_is_not_frozen()
    {
        shell.Now("paused/dominfo");
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        await pin.PinAsync(CancellationToken.None);

        Assert.Equal([Snapshot], Order());
        Assert.Equal("the guest is paused", pin.ConsistencyReason);
    }

    [Fact]
    public async Task A_guest_that_someone_else_froze_is_left_as_it_is()
    {
        shell.On(Status, Reply.Of("agent/frozen"));
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => pin.PinAsync(CancellationToken.None));
        await pin.DisposeAsync();

        Assert.Equal(ExitCode.GuestNeedsPerson, failure.ExitCode);
        Assert.Equal([Status], Order());
        Assert.False(pin.IsUncertain);
    }

    [Fact]
    public async Task A_snapshot_that_fails_is_followed_by_the_thaw_before_anything_else()
    {
        PinWith(() => _ = shell.On(Snapshot, Reply.Of("pinned/snapshot-again")));
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        _ = await Assert.ThrowsAsync<HypervisorException>(() => pin.PinAsync(CancellationToken.None));

        Assert.Equal([Status, Freeze, Snapshot, Thaw, Status], Order());
        await pin.DisposeAsync();
        Assert.Empty(pin.Troubles);
        Assert.Equal(0, shell.Count("block"));
    }

    [Fact]
    public async Task A_snapshot_whose_answer_is_lost_is_found_in_the_XML_and_undone()
    {
        // virsh was killed; libvirt went on: the files come after we have looked for them.
        PinWith(() => _ = shell.On(Snapshot, Reply.Killed));
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);
        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(() => pin.PinAsync(CancellationToken.None));
        HavePinned();
        HaveWorkingCommits();

        await pin.DisposeAsync();

        Assert.Equal(["--path vda --pivot", "--path vdb --pivot"], shell.Order("--path vda --pivot", "--path vdb --pivot"));
        Assert.Equal([Status, Freeze, Snapshot, Thaw, Status], Order());
        Assert.True(pin.IsUncertain);
        Assert.Equal(ExitCode.GuestNeedsPerson, failure.ExitCode);
    }

    [Fact]
    public async Task A_failure_after_the_pin_brings_every_disk_back()
    {
        (PinnedDomain pin, OpenEntry entry) = await BeginAsync(QuiesceMode.Try);
        await pin.PinAsync(CancellationToken.None);
        HaveWorkingCommits();

        await pin.DisposeAsync();

        Assert.Empty(pin.Troubles);
        Assert.False(File.Exists(vda.OverlayPath) || File.Exists(vdb.OverlayPath));
        Assert.All(entry.Current.Pins, one => Assert.Equal(PinState.Released, one.State));
    }

    [Fact]
    public async Task A_disk_that_cannot_go_back_does_not_keep_the_others()
    {
        (PinnedDomain pin, OpenEntry entry) = await BeginAsync(QuiesceMode.Try);
        await pin.PinAsync(CancellationToken.None);
        shell.On("blockcommit", [.. Enumerable.Repeat("committing/blockcommit-again", 3).Select(Reply.Of), Begun("vdb-ready/dumpxml")])
            .On("--path vdb --pivot", Pivoted("vdb-released"));

        await pin.DisposeAsync();

        Assert.Contains("IS STILL ON ITS OVERLAY", Assert.Single(pin.Troubles), StringComparison.Ordinal);
        Assert.True(File.Exists(vda.OverlayPath));
        Assert.False(File.Exists(vdb.OverlayPath));
        Assert.Equal([PinState.Pinned, PinState.Released], entry.Current.Pins.Select(one => one.State));
    }

    [Fact]
    public async Task A_disk_is_released_once()
    {
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);
        await pin.PinAsync(CancellationToken.None);
        HaveWorkingCommits();
        await pin.ReleaseAsync(Web1.Vda);
        await pin.ReleaseAsync(Web1.Vdb);
        int calls = shell.Calls.Count;

        await pin.DisposeAsync();

        Assert.Equal(calls, shell.Calls.Count);
    }

    [Fact]
    public async Task A_thaw_that_is_not_confirmed_leaves_the_journal_open_and_releases_the_disks()
    {
        shell.On(Status, [Reply.Of("agent/thawed"), .. Enumerable.Repeat("agent/frozen", 5).Select(Reply.Of)]);
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(() => pin.PinAsync(CancellationToken.None));
        HaveWorkingCommits();
        await pin.DisposeAsync();

        Assert.Equal(ExitCode.GuestNeedsPerson, failure.ExitCode);
        Assert.True(pin.IsUncertain);
        Assert.False(File.Exists(vda.OverlayPath) || File.Exists(vdb.OverlayPath));
    }

    [Fact]
    public async Task An_interruption_before_the_pin_touches_nothing()
    {
        using CancellationTokenSource source = new();
        shell.On(Freeze, Reply.Hang.Then(source.Cancel));
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pin.PinAsync(source.Token));
        await pin.DisposeAsync();

        Assert.Equal([Status, Freeze, Thaw, Status], Order());
        Assert.Empty(pin.Troubles);
    }

    [Fact]
    public async Task An_overlay_that_another_file_has_taken_the_place_of_is_not_deleted()
    {
        (PinnedDomain pin, _) = await BeginAsync(QuiesceMode.Try);
        await pin.PinAsync(CancellationToken.None);
        HaveWorkingCommits();
        File.WriteAllText(folder.PathOf("new"), "something else");
        File.Move(folder.PathOf("new"), vda.OverlayPath, overwrite: true);

        await pin.ReleaseAsync(Web1.Vda);

        Assert.Contains("is not the overlay that this run made", Assert.Single(pin.Troubles), StringComparison.Ordinal);
        Assert.True(File.Exists(vda.OverlayPath));
    }

    private string[] Order() => [.. shell.Order(Snapshot, Freeze, Thaw, Status)];

    private Action answerSnapshot = () => { };

    private void PinWith(Action answer) => answerSnapshot = answer;

    private void HavePinned()
    {
        File.WriteAllText(vda.OverlayPath, "overlay of vda");
        File.WriteAllText(vdb.OverlayPath, "overlay of vdb");
        shell.Now("pinned/dumpxml", "pinned/dumpxml-inactive");
    }

    private void HaveWorkingCommits()
    {
        shell.On("blockcommit", Begun("ready/dumpxml"), Begun("half-ready/dumpxml"))
            .On("--path vda --pivot", Pivoted("half-released")).On("--path vdb --pivot", Pivoted("released"));
    }

    private Reply Begun(string state) => Reply.Good("Active Block Commit started").Then(() => shell.Now(state));

    private Reply Pivoted(string state) =>
        Reply.Good(string.Empty).Then(() => shell.Now($"{state}/dumpxml", $"{state}/dumpxml-inactive"));

    private PlannedOverlay Here(PlannedOverlay overlay) => new(
        overlay.Target, folder.PathOf(Path.GetFileName(overlay.BasePath)), folder.PathOf(Path.GetFileName(overlay.OverlayPath)));

    private async Task<(PinnedDomain Pin, OpenEntry Entry)> BeginAsync(QuiesceMode quiesce)
    {
        answerSnapshot();
        Virsh virsh = new(shell, null);
        LibvirtHost host = new(virsh);
        DomainFacts facts = await host.DescribeAsync(Web1.Identity, CancellationToken.None);
        PreparedJob job = new(Web1.Settings with { Quiesce = quiesce }, facts, [], [], [vda, vdb], 0, []);
        OpenEntry entry = await new Journal(folder.PathOf("state"), time).OpenAsync(
            JournalEntry.CreateIntent(Web1.Uuid, facts.Name, Web1.Id, folder.PathOf("backup"), [Pin(vda), Pin(vdb)]),
            CancellationToken.None);
        OverlayRelease release = new(
            new OverlayCommit(virsh, host, time, Logger.None), new DomainDefiner(virsh), new QemuImage(shell), Logger.None);
        DomainPinner pinner = new(new GuestAgent(virsh, time), new OverlaySnapshot(virsh), release, Logger.None);
        return (pinner.Begin(job, Web1.Id, entry), entry);
    }

    private static JournalPin Pin(PlannedOverlay overlay) =>
        new(overlay.Target, overlay.BasePath, 1, 2, overlay.OverlayPath, PinState.Planned);
}
