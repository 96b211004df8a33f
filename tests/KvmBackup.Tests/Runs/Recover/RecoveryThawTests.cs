using KvmBackup.Journaling;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Recover;

/// <summary>Recovery of a guest that the interrupted run may have left frozen.</summary>
public sealed class RecoveryThawTests : IDisposable
{
    private const string List = "list --all";
    private const string Thaw = "guest-fsfreeze-thaw";
    private readonly Web1Host host = new();
    private readonly RecordedShell shell;

    public RecoveryThawTests() => shell = host.Shell
        .Now("running/list", "agent/thaw", "agent/thawed", "pinned/vda-map", "pinned/vdb-map");

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task All_guests_are_thawed_before_any_other_call()
    {
        await host.LeaveAsync(PinState.Pinned, "pinned", FreezeState.Freezing);
        await host.LeaveOtherAsync();
        shell.On($"qemu-agent-command --domain {Web1Host.Other}", Reply.Of("agent/thaw"), Reply.Of("agent/thawed"));
        host.HaveWorkingCommits();

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal([Thaw, Thaw, List, "blockcommit", "blockcommit", List], shell.Order(Thaw, List, "blockcommit"));
        Assert.All(shell.Calls.Take(4), call => Assert.Equal("qemu-agent-command", call.Arguments[0]));
        Assert.Equal(ExitCode.Done, report.ExitCode);
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task Any_exception_of_one_domain_does_not_prevent_the_recovery_of_the_others()
    {
        await host.LeaveOtherAsync();
        await host.LeaveAsync(PinState.Pinned, "pinned", FreezeState.Freezing);
        shell.On($"qemu-agent-command --domain {Web1Host.Other}", Reply.Thrown(new InvalidOperationException(
            "no such "
            + "element")));
        shell.On("--path vda --base", Reply.Thrown(new FormatException("no number")));
        shell.On("--path vdb --base", host.Begun("vdb-ready/dumpxml")).On(
            "--path vdb --pivot", host.Pivoted("vdb-released"));

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        DomainRecoveryReport web1 = report.Domains.Single(domain => domain.Name == "web1");
        Assert.Contains(
            "unexpected FormatException in KvmBackup.", string.Join('\n', web1.Actions), StringComparison.Ordinal);
        Assert.Equal([PinState.Releasing, PinState.Released], host.Journal.ListOpen()
            .Single(entry => entry.DomainUuid == Web1.Uuid).Pins.Select(pin => pin.State));
    }

    [Theory]
    [InlineData(FreezeState.None)]
    [InlineData(FreezeState.Thawed)]
    public async Task A_guest_without_a_pending_thaw_is_not_queried(FreezeState freeze)
    {
        await host.LeaveAsync(PinState.Releasing, "released", freeze);

        Assert.Equal(ExitCode.Done, (await host.RecoverAsync()).ExitCode);

        Assert.Equal(0, shell.Count("qemu-agent-command"));
    }

    [Fact]
    public async Task A_guest_has_no_pending_thaw_after_a_boot_of_the_host()
    {
        await host.LeaveAsync(PinState.Releasing, "released", FreezeState.Freezing);
        string filePath = Directory.GetFiles(host.Journal.DirectoryPath).Single();
        File.WriteAllText(filePath, File.ReadAllText(filePath).Replace(
            host.Journal.ListOpen()[0].BootId, "an-earlier-boot", StringComparison.Ordinal));

        Assert.Equal(ExitCode.Done, (await host.RecoverAsync()).ExitCode);

        Assert.Equal(0, shell.Count("qemu-agent-command"));
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task An_unconfirmed_thaw_keeps_the_entry_and_the_disks_are_released()
    {
        await host.LeaveAsync(PinState.Pinned, "pinned", FreezeState.Freezing);
        shell.On("guest-fsfreeze-status", [.. Enumerable.Repeat("agent/frozen", 5).Select(Reply.Of)]);
        host.HaveWorkingCommits();

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        Assert.Contains("THE GUEST MAY STILL BE FROZEN", report.Domains[0].Actions[0], StringComparison.Ordinal);
        Assert.False(File.Exists(host.Vda.OverlayPath) || File.Exists(host.Vdb.OverlayPath));
        Assert.Equal(FreezeState.Freezing, Assert.Single(host.Journal.ListOpen()).Freeze);

        Assert.Equal(ExitCode.Done, (await host.RecoverAsync()).ExitCode);
        Assert.Empty(host.Journal.ListOpen());
    }
}
