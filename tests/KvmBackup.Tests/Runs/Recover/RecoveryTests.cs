using KvmBackup.Journaling;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Recover;

/// <summary>Recovery by the journal of an interrupted run, with recorded programs.</summary>
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
    public async Task Both_disks_are_released_at_any_step_of_the_interrupted_run_and_a_second_recovery_finds_nothing(
        string state)
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
    public async Task An_overlay_that_only_the_saved_memory_names_is_removed_after_the_change_to_the_base()
    {
        // The run died after it had set the definition back.
        await host.LeaveAsync(PinState.Releasing, "pinned");
        string saved =
            (await shell.RunAsync(
                host.Virsh.Call("dumpxml", "--domain", $"{Web1.Uuid}"), CancellationToken.None)).StandardOutput;
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
    public async Task The_entry_of_an_image_without_a_guest_is_undone_without_libvirt()
    {
        _ = await host.Journal.OpenAsync(
            JournalEntry.CreateIntent(
                Web1Host.Other, new DomainName("rbd:rbd/a"), Web1.Id, host.PathOf("backup"), []) with
            {
                Images =
                    [new JournalImage(RbdImage.Parse("rbd/a"), [], null, null, null, "backup", null, "kvmbackup.open")],
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
    public async Task A_disk_that_stays_on_its_overlay_keeps_the_entry_without_a_second_thaw()
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
    public async Task An_overlay_without_a_recorded_identity_is_removed_only_when_it_is_empty(
        bool isWritten, bool isRecovered)
    {
        await host.LeaveAsync(PinState.Planned, "running");
        if (!isWritten)
        {
            shell.On("qemu-img map", Unwritten, Unwritten);
        }

        RecoveryReport report = await host.RecoverAsync();

        // The guest wrote to both recorded overlays.
        Assert.Equal(isRecovered, Assert.Single(report.Domains).IsRecovered);
        Assert.Equal(!isRecovered, File.Exists(host.Vda.OverlayPath));
        Assert.Equal(isRecovered, host.Journal.ListOpen().Count == 0);
    }

    [Fact]
    public async Task A_definition_on_the_overlay_is_repaired_before_the_overlay_is_removed()
    {
        await host.LeaveAsync(PinState.Releasing, "released");
        shell.Now("half-released/dumpxml-inactive")
            .On("dumpxml --security-info --inactive", Reply.Of("running/dumpxml-security-inactive"),
                Reply.Of("pinned/dumpxml-inactive"))
            .On("define", Reply.Good("Domain defined"));

        RecoveryReport report = await host.RecoverAsync();

        Assert.True(Assert.Single(report.Domains).IsRecovered, string.Join('\n', report.Domains[0].Actions));
        Assert.Equal(["define", $"info -f qcow2 {host.Vdb.OverlayPath}"], shell.Order("define", $"info -f qcow2 "
            + $"{host.Vdb.OverlayPath}"));
        Assert.False(File.Exists(host.Vdb.OverlayPath));
    }

    [Fact]
    public async Task An_open_overlay_keeps_the_entry()
    {
        await host.LeaveAsync(PinState.Releasing, "released");
        shell.Now("pinned/vda-locked");

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        Assert.Equal((true, false), (File.Exists(host.Vda.OverlayPath), File.Exists(host.Vdb.OverlayPath)));
        _ = Assert.Single(host.Journal.ListOpen());
    }

    [Fact]
    public async Task A_file_in_the_place_of_an_overlay_is_unchanged()
    {
        await host.LeaveAsync(PinState.Releasing, "released");
        File.WriteAllText(host.PathOf("new"), "something else");
        File.Move(host.PathOf("new"), host.Vda.OverlayPath, overwrite: true);

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task An_undefined_domain_keeps_its_entry_while_an_overlay_exists()
    {
        await host.LeaveAsync(PinState.Pinned, "pinned", FreezeState.Freezing);
        BeGone();
        shell.On("qemu-img map", Reply.Of("pinned/vda-map"), Unwritten);

        RecoveryReport left = await host.RecoverAsync();

        // vdb's overlay was empty; vda's overlay requires manual action until it is removed.
        string text = string.Join('\n', left.Domains[0].Actions);
        Assert.Equal(ExitCode.ManualActionRequired, left.ExitCode);
        Assert.Contains($"`qemu-img commit -f qcow2 {host.Vda.OverlayPath}`", text, StringComparison.Ordinal);
        Assert.Contains($"`rm {host.Vda.OverlayPath}`", text, StringComparison.Ordinal);
        Assert.DoesNotContain("FROZEN", text, StringComparison.Ordinal);
        Assert.DoesNotContain("loses nothing", text, StringComparison.Ordinal);
        Assert.DoesNotContain("no data is lost", text, StringComparison.Ordinal);
        Assert.Equal((true, false), (File.Exists(host.Vda.OverlayPath), File.Exists(host.Vdb.OverlayPath)));
        _ = Assert.Single(host.Journal.ListOpen());

        shell.On("qemu-img map", Unwritten);

        // Committed manually: the overlay is empty.
        Assert.Equal(ExitCode.Done, (await host.RecoverAsync()).ExitCode);
        Assert.False(File.Exists(host.Vda.OverlayPath));
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task Another_file_in_the_place_of_the_overlay_of_a_domain_that_is_gone_is_left_alone()
    {
        await host.LeaveAsync(PinState.Pinned, "pinned");
        BeGone();
        File.WriteAllText(host.PathOf("new"), "something else");
        File.Move(host.PathOf("new"), host.Vda.OverlayPath, overwrite: true);
        shell.On("qemu-img map", Unwritten, Unwritten);

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        Assert.True(File.Exists(host.Vda.OverlayPath));
        Assert.Contains(
            $"`qemu-img info -U {host.Vda.OverlayPath}`", string.Join('\n', report.Domains[0].Actions),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_advised_to_be_written_into_a_base_that_is_another_file_since()
    {
        await host.LeaveAsync(PinState.Pinned, "pinned");
        BeGone();
        File.Move(host.Vda.BasePath, host.PathOf("moved"));
        File.WriteAllText(host.Vda.BasePath, "another file");
        shell.On("qemu-img map", Reply.Of("pinned/vda-map"), Unwritten);

        string reported = string.Join('\n', (await host.RecoverAsync()).Domains[0].Actions);

        Assert.DoesNotContain("qemu-img commit", reported, StringComparison.Ordinal);
        Assert.Contains($"`rm {host.Vda.OverlayPath}`", reported, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_domain_does_not_count_as_gone_after_one_empty_list()
    {
        await host.LeaveAsync(PinState.Pinned, "pinned");
        shell.On(List, Reply.Good(string.Empty));
        host.HaveWorkingCommits();

        Assert.True(Assert.Single((await host.RecoverAsync()).Domains).IsRecovered);
    }

    [Fact]
    public async Task An_entry_without_an_existing_overlay_is_closed()
    {
        // An entry of an earlier version: libvirt refused the disk's overlay, and the base is another file since.
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
    public async Task A_damaged_entry_requires_manual_action_and_the_rest_is_recovered()
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
    public async Task A_snapshot_that_outlives_its_run_is_waited_for()
    {
        // The run was killed a moment ago: the guest moves to its overlays during the recovery.
        await host.LeaveAsync(PinState.Planned, "running");
        Reply works = Reply.Good("Job type:         Unbounded");
        shell.On("qemu-img map", Unwritten, Unwritten)
            .On("domjobinfo", works, Reply.Good("Job type:         Unbounded").Then(() => host.Be("pinned")));
        host.HaveWorkingCommits();

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.Done, report.ExitCode);
        Assert.Equal(
            ["--path vda --pivot", "--path vdb --pivot"], shell.Order("--path vda --pivot", "--path vdb --pivot"));
    }

    [Fact]
    public async Task A_domain_with_an_endless_libvirt_job_keeps_its_entry_and_its_overlays()
    {
        await host.LeaveAsync(PinState.Planned, "running");
        shell.On("qemu-img map", Unwritten, Unwritten).On(
            "domjobinfo", [.. Enumerable.Repeat(0, 1000).Select(_ => Reply.Good("Job type:         Unbounded"))]);

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        Assert.True(File.Exists(host.Vda.OverlayPath));
        _ = Assert.Single(host.Journal.ListOpen());
    }

    [Fact]
    public async Task A_domain_that_libvirt_cannot_describe_does_not_prevent_the_recovery_of_the_others()
    {
        await host.LeaveOtherAsync(FreezeState.None);
        await host.LeaveAsync(PinState.Pinned, "pinned");
        shell.On(List, Reply.Good($"{Web1Host.Other} other\n{Web1.Uuid} web1\n"))
            .On($"snapshot-list --name --domain {Web1Host.Other}", Reply.Bad("error: internal error"))
            .On($"--domain {Web1Host.Other}",
                [.. Enumerable.Repeat(0, 9).Select(_ => Reply.Of("running/dumpxml-security"))]);
        host.HaveWorkingCommits();

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal([("other", false), ("web1", true)], report.Domains
            .Select(domain => (domain.Name, domain.IsRecovered)));
        Assert.Equal(Web1Host.Other, Assert.Single(host.Journal.ListOpen()).DomainUuid);
    }

    private static Reply Unwritten =>
        Reply.Good("""[{"start":0,"length":67108864,"depth":1,"present":true,"zero":false,"data":true,"offset":0}]""");
}
