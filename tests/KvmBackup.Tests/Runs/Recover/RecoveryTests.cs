using KvmBackup.Journaling;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Recover;

/// <summary>What recovery makes of the journal of a dead run, over recorded programs.</summary>
public sealed class RecoveryTests : IDisposable
{
    private const string List = "list --all";
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
        await host.LeaveAsync(PinState.Releasing, state);
        host.HaveWorkingCommits();

        RecoveryReport report = await host.RecoverAsync();

        Assert.True(Assert.Single(report.Domains).IsRecovered, string.Join('\n', report.Domains[0].Actions));
        Assert.Equal((false, false), (File.Exists(host.Vda.OverlayPath), File.Exists(host.Vdb.OverlayPath)));
        Assert.Empty(host.Journal.ListOpen());
        int calls = shell.Calls.Count;
        Assert.Empty((await host.RecoverAsync()).Domains);
        Assert.Equal(calls, shell.Calls.Count);
    }

    [Fact]
    public async Task An_overlay_that_only_the_saved_memory_names_goes_after_that_names_the_base()
    {
        // The run died after it had set the definition back.
        await host.LeaveAsync(PinState.Releasing, "pinned");
        string saved = (await shell.RunAsync(host.Virsh.Call("dumpxml", "--domain", $"{Web1.Uuid}"), CancellationToken.None)).StandardOutput;
        string half = saved.Replace(host.Vda.OverlayPath, host.Vda.BasePath, StringComparison.Ordinal);
        string whole = half.Replace(host.Vdb.OverlayPath, host.Vdb.BasePath, StringComparison.Ordinal);
        host.Be("released");
        shell.Now("shut-off/domstate")
            .On("managedsave-dumpxml", [.. new[] { saved, saved, saved, half, half, half, whole }.Select(Reply.Good)])
            .On("managedsave-define", Reply.Good("updated"), Reply.Good("updated"))
            .On("qemu-img commit", Reply.Good("Image committed."), Reply.Good("Image committed."));

        DomainRecoveryReport report = Assert.Single((await host.RecoverAsync()).Domains);

        Assert.True(report.IsRecovered, string.Join('\n', report.Actions));
        Assert.Equal(
            ["commit -f", "managedsave-define", "info -f", "commit -f", "managedsave-define", "info -f"],
            shell.Order("commit -f", "managedsave-define", "info -f"));
        Assert.False(File.Exists(host.Vda.OverlayPath) || File.Exists(host.Vdb.OverlayPath));
    }

    [Fact]
    public async Task What_is_open_of_an_image_without_a_guest_is_undone_without_libvirt()
    {
        _ = await host.Journal.OpenAsync(
            JournalEntry.CreateIntent(Web1Host.Other, new DomainName("rbd:rbd/a"), Web1.Id, host.PathOf("backup"), []) with
            {
                Images = [new JournalImage(RbdImage.Parse("rbd/a"), [], null, null, null, "backup", null, "kvmbackup.open")],
            },
            CancellationToken.None);
        shell.On(" info ", Reply.Of("rbd/info-json")).On("snap rm", Reply.Good(string.Empty));

        DomainRecoveryReport report = Assert.Single((await host.RecoverAsync()).Domains);

        Assert.True(report.IsRecovered);
        Assert.Equal("the snapshot rbd/a@kvmbackup.open was removed", report.Actions[0]);
        Assert.All(shell.Calls, call => Assert.Contains("--id backup", call.ToString(), StringComparison.Ordinal));
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task A_disk_that_stays_on_its_overlay_keeps_the_entry_and_owes_no_second_thaw()
    {
        await host.LeaveAsync(PinState.Pinned, "pinned", FreezeState.Freezing);
        host.HaveStubbornVda();

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        JournalEntry entry = Assert.Single(host.Journal.ListOpen());
        Assert.Equal([PinState.Releasing, PinState.Released], entry.Pins.Select(pin => pin.State));
        Assert.Equal(FreezeState.Thawed, entry.Freeze);
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task An_overlay_that_was_never_seen_in_use_goes_only_when_nothing_is_in_it(bool isWritten, bool isRecovered)
    {
        await host.LeaveAsync(PinState.Planned, "running");
        if (!isWritten)
        {
            shell.On("qemu-img map", Unwritten, Unwritten);
        }

        RecoveryReport report = await host.RecoverAsync();

        // Of the recorded overlays the guest wrote to both.
        Assert.Equal(isRecovered, Assert.Single(report.Domains).IsRecovered);
        Assert.Equal(!isRecovered, File.Exists(host.Vda.OverlayPath));
        Assert.Equal(isRecovered, host.Journal.ListOpen().Count == 0);
    }

    [Fact]
    public async Task A_definition_that_was_not_set_back_is_mended_before_its_overlay_goes()
    {
        await host.LeaveAsync(PinState.Releasing, "released");
        shell.Now("half-released/dumpxml-inactive")
            .On("dumpxml --security-info --inactive", Reply.Of("running/dumpxml-security-inactive"), Reply.Of("pinned/dumpxml-inactive"))
            .On("define", Reply.Good("Domain defined"));

        RecoveryReport report = await host.RecoverAsync();

        Assert.True(Assert.Single(report.Domains).IsRecovered, string.Join('\n', report.Domains[0].Actions));
        Assert.Equal(["define", $"info -f qcow2 {host.Vdb.OverlayPath}"], shell.Order("define", $"info -f qcow2 {host.Vdb.OverlayPath}"));
        Assert.False(File.Exists(host.Vdb.OverlayPath));
    }

    [Fact]
    public async Task An_overlay_that_somebody_has_open_keeps_the_entry()
    {
        await host.LeaveAsync(PinState.Releasing, "released");
        shell.Now("pinned/vda-locked");

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        Assert.Equal((true, false), (File.Exists(host.Vda.OverlayPath), File.Exists(host.Vdb.OverlayPath)));
        _ = Assert.Single(host.Journal.ListOpen());
    }

    [Fact]
    public async Task Another_file_in_the_place_of_an_overlay_is_left_alone()
    {
        await host.LeaveAsync(PinState.Releasing, "released");
        File.WriteAllText(host.PathOf("new"), "something else");
        File.Move(host.PathOf("new"), host.Vda.OverlayPath, overwrite: true);

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task A_domain_that_was_undefined_keeps_its_entry_while_an_overlay_is_left()
    {
        await host.LeaveAsync(PinState.Pinned, "pinned", FreezeState.Freezing);
        BeGone();
        shell.On("qemu-img map", Reply.Of("pinned/vda-map"), Unwritten);

        RecoveryReport left = await host.RecoverAsync();

        // vdb's overlay held nothing; what is in vda's is for a person to decide, each time until it is gone.
        string told = string.Join('\n', left.Domains[0].Actions);
        Assert.Equal(ExitCode.ManualActionRequired, left.ExitCode);
        Assert.Contains($"`qemu-img commit -f qcow2 {host.Vda.OverlayPath}`", told, StringComparison.Ordinal);
        Assert.Contains($"`rm {host.Vda.OverlayPath}`", told, StringComparison.Ordinal);
        Assert.DoesNotContain("FROZEN", told, StringComparison.Ordinal);
        Assert.DoesNotContain("loses nothing", told, StringComparison.Ordinal);
        Assert.Equal((true, false), (File.Exists(host.Vda.OverlayPath), File.Exists(host.Vdb.OverlayPath)));
        _ = Assert.Single(host.Journal.ListOpen());

        shell.On("qemu-img map", Unwritten);

        // Committed by hand: nothing is in it any more.
        Assert.Equal(ExitCode.Done, (await host.RecoverAsync()).ExitCode);
        Assert.False(File.Exists(host.Vda.OverlayPath));
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task A_list_that_is_empty_for_once_makes_no_domain_a_gone_one()
    {
        await host.LeaveAsync(PinState.Pinned, "pinned");
        shell.On(List, Reply.Good(string.Empty));
        host.HaveWorkingCommits();

        Assert.True(Assert.Single((await host.RecoverAsync()).Domains).IsRecovered);
    }

    [Fact]
    public async Task An_entry_about_an_overlay_that_never_was_is_finished()
    {
        // As the run of an earlier version left it: a disk whose overlay libvirt refused, on a base that is another file since.
        await host.LeaveAsync(PinState.Releasing, "running");
        File.Delete(host.Vda.OverlayPath);
        File.Delete(host.Vdb.OverlayPath);
        File.Move(host.Vda.BasePath, host.PathOf("moved"));
        File.WriteAllText(host.Vda.BasePath, "another file");

        DomainRecoveryReport report = Assert.Single((await host.RecoverAsync()).Domains);

        Assert.True(report.IsRecovered, string.Join('\n', report.Actions));
        Assert.Empty(host.Journal.ListOpen());
    }

    private void BeGone()
    {
        foreach (string call in new[] { List, "domname", "guest-fsfreeze", "domstate" })
        {
            shell.On(call, [.. Enumerable.Repeat(0, 20).Select(_ =>
                call == List ? Reply.Good(string.Empty) : Reply.Bad($"error: failed to get domain '{Web1.Uuid}'"))]);
        }
    }

    [Fact]
    public async Task A_domain_that_was_renamed_is_found_by_its_UUID()
    {
        await host.LeaveAsync(PinState.Pinned, "pinned");
        shell.On(List, Reply.Good($"{Web1.Uuid} new name\n"));
        host.HaveWorkingCommits();

        DomainRecoveryReport domain = Assert.Single((await host.RecoverAsync()).Domains);

        Assert.Equal(("new name", true), (domain.Name, domain.IsRecovered));
        Assert.False(File.Exists(host.Vda.OverlayPath));
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task A_damaged_entry_needs_a_person_and_the_rest_is_recovered()
    {
        await host.LeaveAsync(PinState.Pinned, "pinned");
        File.WriteAllText(Path.Combine(host.Journal.DirectoryPath, $"{Web1Host.Other}.json"), "{");
        host.HaveWorkingCommits();

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        Assert.Equal([false, true], report.Domains.Select(domain => domain.IsRecovered));
        Assert.Contains($"virsh domblklist {Web1Host.Other}", report.Domains[0].Actions[0], StringComparison.Ordinal);
        Assert.Empty(host.Journal.ListOpen());
        Assert.False(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task A_snapshot_that_goes_on_without_its_run_is_waited_for()
    {
        // The run was killed a moment ago: the guest goes onto its overlays while recovery looks.
        await host.LeaveAsync(PinState.Planned, "running");
        Reply works = Reply.Good("Job type:         Unbounded");
        shell.On("qemu-img map", Unwritten, Unwritten)
            .On("domjobinfo", works, Reply.Good("Job type:         Unbounded").Then(() => host.Be("pinned")));
        host.HaveWorkingCommits();

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.Done, report.ExitCode);
        Assert.Equal(["--path vda --pivot", "--path vdb --pivot"], shell.Order("--path vda --pivot", "--path vdb --pivot"));
    }

    [Fact]
    public async Task A_domain_that_libvirt_works_on_without_end_keeps_its_entry_and_its_overlays()
    {
        await host.LeaveAsync(PinState.Planned, "running");
        shell.On("qemu-img map", Unwritten, Unwritten).On("domjobinfo", [.. Enumerable.Repeat(0, 1000).Select(_ => Reply.Good("Job type:         Unbounded"))]);

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        Assert.True(File.Exists(host.Vda.OverlayPath));
        _ = Assert.Single(host.Journal.ListOpen());
    }

    [Fact]
    public async Task A_domain_that_libvirt_does_not_describe_does_not_keep_the_others()
    {
        await host.LeaveOtherAsync(FreezeState.None);
        await host.LeaveAsync(PinState.Pinned, "pinned");
        shell.On(List, Reply.Good($"{Web1Host.Other} other\n{Web1.Uuid} web1\n"))
            .On($"snapshot-list --name --domain {Web1Host.Other}", Reply.Bad("error: internal error"))
            .On($"--domain {Web1Host.Other}", [.. Enumerable.Repeat(0, 9).Select(_ => Reply.Of("running/dumpxml-security"))]);
        host.HaveWorkingCommits();

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal([("other", false), ("web1", true)], report.Domains.Select(domain => (domain.Name, domain.IsRecovered)));
        Assert.Equal(Web1Host.Other, Assert.Single(host.Journal.ListOpen()).DomainUuid);
    }

    private static Reply Unwritten =>
        Reply.Good("""[{"start":0,"length":67108864,"depth":1,"present":true,"zero":false,"data":true,"offset":0}]""");
}
