using KvmBackup.Disks;
using KvmBackup.Journaling;
using KvmBackup.Model;
using KvmBackup.Runs;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs;

/// <summary>What recovery makes of the journal of a dead run, over recorded programs.</summary>
public sealed class RecoveryTests : IDisposable
{
    private const string List = "list --all";
    private const string Thaw = "guest-fsfreeze-thaw";
    private static readonly Guid Other = new("11111111-2222-3333-4444-555555555555");
    private readonly Web1Host host = new();
    private readonly RecordedShell shell;

    public RecoveryTests() => shell = host.Shell
        .Now("running/list", "agent/thaw", "agent/thawed", "pinned/vda-map", "pinned/vdb-map");

    public void Dispose() => host.Dispose();

    [Theory]
    [InlineData("pinned")]
    [InlineData("ready")]
    [InlineData("half-released")]
    [InlineData("half-ready")]
    [InlineData("released")]
    public async Task Both_disks_go_back_from_wherever_the_run_died_and_a_second_recovery_finds_nothing(string state)
    {
        await LeaveAsync(PinState.Releasing, state);
        host.HaveWorkingCommits();

        RecoveryReport report = await RecoverAsync();

        Assert.True(Assert.Single(report.Domains).IsMended, string.Join('\n', report.Domains[0].Deeds));
        Assert.Equal((false, false), (File.Exists(host.Vda.OverlayPath), File.Exists(host.Vdb.OverlayPath)));
        Assert.Empty(host.Journal.ListOpen());
        int calls = shell.Calls.Count;
        Assert.Empty((await RecoverAsync()).Domains);
        Assert.Equal(calls, shell.Calls.Count);
    }

    [Fact]
    public async Task All_guests_are_thawed_before_anything_else_is_asked_or_done()
    {
        await LeaveAsync(PinState.Pinned, "pinned", FreezeState.Freezing);
        await LeaveOtherAsync();
        shell.On($"qemu-agent-command --domain {Other}", Reply.Of("agent/thaw"), Reply.Of("agent/thawed"));
        host.HaveWorkingCommits();

        RecoveryReport report = await RecoverAsync();

        Assert.Equal([Thaw, Thaw, List, "blockcommit", "blockcommit"], shell.Order(Thaw, List, "blockcommit"));
        Assert.All(shell.Calls.Take(4), call => Assert.Equal("qemu-agent-command", call.Arguments[0]));
        Assert.Equal(ExitCode.Done, report.ExitCode);
        Assert.Empty(host.Journal.ListOpen());
    }

    [Theory]
    [InlineData(FreezeState.None)]
    [InlineData(FreezeState.Thawed)]
    public async Task A_guest_that_owes_no_thaw_is_not_asked(FreezeState freeze)
    {
        await LeaveAsync(PinState.Releasing, "released", freeze);

        Assert.Equal(ExitCode.Done, (await RecoverAsync()).ExitCode);

        Assert.Equal(0, shell.Count("qemu-agent-command"));
    }

    [Fact]
    public async Task A_guest_that_was_started_with_its_host_since_owes_no_thaw()
    {
        await LeaveAsync(PinState.Releasing, "released", FreezeState.Freezing);
        string filePath = Directory.GetFiles(host.Journal.DirectoryPath).Single();
        File.WriteAllText(filePath, File.ReadAllText(filePath).Replace(
            host.Journal.ListOpen()[0].BootId, "an-earlier-boot", StringComparison.Ordinal));

        Assert.Equal(ExitCode.Done, (await RecoverAsync()).ExitCode);

        Assert.Equal(0, shell.Count("qemu-agent-command"));
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task A_thaw_that_is_not_confirmed_keeps_the_entry_and_the_disks_go_back_all_the_same()
    {
        await LeaveAsync(PinState.Pinned, "pinned", FreezeState.Freezing);
        shell.On("guest-fsfreeze-status", [.. Enumerable.Repeat("agent/frozen", 5).Select(Reply.Of)]);
        host.HaveWorkingCommits();

        RecoveryReport report = await RecoverAsync();

        Assert.Equal(ExitCode.GuestNeedsPerson, report.ExitCode);
        Assert.Contains("THE GUEST MAY STILL BE FROZEN", report.Domains[0].Deeds[0], StringComparison.Ordinal);
        Assert.False(File.Exists(host.Vda.OverlayPath) || File.Exists(host.Vdb.OverlayPath));
        Assert.Equal(FreezeState.Freezing, Assert.Single(host.Journal.ListOpen()).Freeze);

        Assert.Equal(ExitCode.Done, (await RecoverAsync()).ExitCode);
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task A_disk_that_stays_on_its_overlay_keeps_the_entry_and_owes_no_second_thaw()
    {
        await LeaveAsync(PinState.Pinned, "pinned", FreezeState.Freezing);
        host.HaveStubbornVda();

        RecoveryReport report = await RecoverAsync();

        Assert.Equal(ExitCode.GuestNeedsPerson, report.ExitCode);
        JournalEntry entry = Assert.Single(host.Journal.ListOpen());
        Assert.Equal([PinState.Releasing, PinState.Released], entry.Pins.Select(pin => pin.State));
        Assert.Equal(FreezeState.Thawed, entry.Freeze);
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task An_overlay_that_was_never_seen_in_use_goes_only_when_nothing_is_in_it(bool isWritten, bool isMended)
    {
        await LeaveAsync(PinState.Planned, "running");
        if (!isWritten)
        {
            shell.On("qemu-img map", Unwritten, Unwritten);
        }

        RecoveryReport report = await RecoverAsync();

        // Of the recorded overlays the guest wrote to both.
        Assert.Equal(isMended, Assert.Single(report.Domains).IsMended);
        Assert.Equal(!isMended, File.Exists(host.Vda.OverlayPath));
        Assert.Equal(isMended, host.Journal.ListOpen().Count == 0);
    }

    [Fact]
    public async Task A_definition_that_was_not_set_back_is_mended_before_its_overlay_goes()
    {
        await LeaveAsync(PinState.Releasing, "released");
        shell.Now("half-released/dumpxml-inactive")
            .On("dumpxml --security-info --inactive", Reply.Of("running/dumpxml-security-inactive"), Reply.Of("pinned/dumpxml-inactive"))
            .On("define", Reply.Good("Domain defined"));

        RecoveryReport report = await RecoverAsync();

        Assert.True(Assert.Single(report.Domains).IsMended, string.Join('\n', report.Domains[0].Deeds));
        Assert.Equal(["define", $"info -f qcow2 {host.Vdb.OverlayPath}"], shell.Order("define", $"info -f qcow2 {host.Vdb.OverlayPath}"));
        Assert.False(File.Exists(host.Vdb.OverlayPath));
    }

    [Fact]
    public async Task An_overlay_that_somebody_has_open_keeps_the_entry()
    {
        await LeaveAsync(PinState.Releasing, "released");
        shell.Now("pinned/vda-locked");

        RecoveryReport report = await RecoverAsync();

        Assert.Equal(ExitCode.GuestNeedsPerson, report.ExitCode);
        Assert.Equal((true, false), (File.Exists(host.Vda.OverlayPath), File.Exists(host.Vdb.OverlayPath)));
        _ = Assert.Single(host.Journal.ListOpen());
    }

    [Fact]
    public async Task Another_file_in_the_place_of_an_overlay_is_left_alone()
    {
        await LeaveAsync(PinState.Releasing, "released");
        File.WriteAllText(host.PathOf("new"), "something else");
        File.Move(host.PathOf("new"), host.Vda.OverlayPath, overwrite: true);

        RecoveryReport report = await RecoverAsync();

        Assert.Equal(ExitCode.GuestNeedsPerson, report.ExitCode);
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task A_domain_that_was_undefined_keeps_its_entry_while_an_overlay_is_left()
    {
        await LeaveAsync(PinState.Pinned, "pinned");
        shell.On(List, Reply.Good(string.Empty), Reply.Good(string.Empty));

        RecoveryReport left = await RecoverAsync();

        Assert.Equal(ExitCode.GuestNeedsPerson, left.ExitCode);
        Assert.Contains(host.Vda.OverlayPath, Assert.Single(left.Domains[0].Deeds), StringComparison.Ordinal);
        Assert.True(File.Exists(host.Vda.OverlayPath) && File.Exists(host.Vdb.OverlayPath));
        _ = Assert.Single(host.Journal.ListOpen());

        File.Delete(host.Vda.OverlayPath);
        File.Delete(host.Vdb.OverlayPath);

        Assert.Equal(ExitCode.Done, (await RecoverAsync()).ExitCode);
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task A_domain_that_was_renamed_is_found_by_its_UUID()
    {
        await LeaveAsync(PinState.Pinned, "pinned");
        shell.On(List, Reply.Good($"{Web1.Uuid} new name\n"));
        host.HaveWorkingCommits();

        DomainRecoveryReport domain = Assert.Single((await RecoverAsync()).Domains);

        Assert.Equal(("new name", true), (domain.Name, domain.IsMended));
        Assert.False(File.Exists(host.Vda.OverlayPath));
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task A_damaged_entry_needs_a_person_and_the_rest_is_recovered()
    {
        await LeaveAsync(PinState.Pinned, "pinned");
        File.WriteAllText(Path.Combine(host.Journal.DirectoryPath, $"{Other}.json"), "{");
        host.HaveWorkingCommits();

        RecoveryReport report = await Run().RunAsync(TimeSpan.Zero, CancellationToken.None);

        Assert.Equal(ExitCode.GuestNeedsPerson, report.ExitCode);
        Assert.Equal([false, true], report.Domains.Select(domain => domain.IsMended));
        Assert.Contains($"virsh domblklist {Other}", report.Domains[0].Deeds[0], StringComparison.Ordinal);
        Assert.Empty(host.Journal.ListOpen());
        Assert.False(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task A_domain_that_libvirt_does_not_describe_does_not_keep_the_others()
    {
        await LeaveOtherAsync(FreezeState.None);
        await LeaveAsync(PinState.Pinned, "pinned");
        shell.On(List, Reply.Good($"{Other} other\n{Web1.Uuid} web1\n"))
            .On($"snapshot-list --name --domain {Other}", Reply.Bad("error: internal error"))
            .On($"--domain {Other}", [.. Enumerable.Repeat(0, 9).Select(_ => Reply.Of("running/dumpxml-security"))]);
        host.HaveWorkingCommits();

        RecoveryReport report = await RecoverAsync();

        Assert.Equal([("other", false), ("web1", true)], report.Domains.Select(domain => (domain.Name, domain.IsMended)));
        Assert.Equal(Other, Assert.Single(host.Journal.ListOpen()).DomainUuid);
    }

    private static Reply Unwritten =>
        Reply.Good("""[{"start":0,"length":67108864,"depth":1,"present":true,"zero":false,"data":true,"offset":0}]""");

    /// <summary>A run died: this is the journal that it left, and where the disks stand.</summary>
    private async Task LeaveAsync(PinState state, string disks, FreezeState freeze = FreezeState.Thawed)
    {
        OpenEntry entry = await host.OpenEntryAsync();
        host.BePinned();
        Dictionary<DiskTarget, FileIdentity> seen = new[] { host.Vda, host.Vdb }
            .ToDictionary(overlay => overlay.Target, overlay => LocalFile.Identify(overlay.OverlayPath));
        await entry.RecordAsync(
            now => (state == PinState.Planned ? now : now.WithOverlays(seen).WithPin(Web1.Vda, state).WithPin(Web1.Vdb, state))
                with { Freeze = freeze },
            CancellationToken.None);
        host.Be(disks);
        host.Time.Pass(TimeSpan.FromSeconds(1));
    }

    private async Task LeaveOtherAsync(FreezeState freeze = FreezeState.Freezing)
    {
        OpenEntry entry = await host.Journal.OpenAsync(
            JournalEntry.CreateIntent(Other, new DomainName("other"), Web1.Id, host.PathOf("backup"), []), CancellationToken.None);
        await entry.RecordAsync(now => now with { Freeze = freeze }, CancellationToken.None);
        host.Time.Pass(TimeSpan.FromSeconds(1));
    }

    private RecoverRun Run() => new(
        host.Libvirt, new DomainRecovery(host.Libvirt, host.Agent, host.Release, host.Images, host.Journal, Logger.None),
        host.Journal, host.PathOf("state"), host.Time, Logger.None);

    private Task<RecoveryReport> RecoverAsync() => Run().RunAsync(TimeSpan.Zero, CancellationToken.None);
}
