using KvmBackup.Hypervisor;
using KvmBackup.Shell;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

public sealed class GuestAgentTests
{
    private const string Freeze = "guest-fsfreeze-freeze";
    private const string Thaw = "guest-fsfreeze-thaw";
    private const string Status = "guest-fsfreeze-status";
    private readonly RecordedShell shell = new RecordedShell()
        .Now("agent/freeze", "agent/thaw", "agent/thawed", "running/domstate", "running/domname");

    private readonly AcceleratedTime time = new();

    [Fact]
    public async Task A_freeze_is_followed_by_a_thaw_and_a_status_check()
    {
        await using (FrozenGuest frozen = await FreezeAsync())
        {
            time.Pass(TimeSpan.FromMilliseconds(70));
            await frozen.ThawAsync();
            Assert.Equal(TimeSpan.FromMilliseconds(70), frozen.FrozenFor);
        }

        Assert.Equal([Freeze, Thaw, Status], shell.Order(Freeze, Thaw, Status));
    }

    [Fact]
    public async Task Leaving_the_scope_thaws()
    {
        await using (await FreezeAsync())
        {
            Assert.Equal([Freeze], shell.Order(Freeze, Thaw));
        }

        Assert.Equal([Freeze, Thaw, Status], shell.Order(Freeze, Thaw, Status));
    }

    public static TheoryData<string> FailedFreezes =>
        ["agent/refused", "agent/freeze-timed-out", "agent/freeze-again", "agent/not-connected"];

    [Theory]
    [MemberData(nameof(FailedFreezes))]
    public async Task A_failed_freeze_is_followed_by_a_thaw(string recording)
    {
        shell.On(Freeze, Reply.Of(recording));

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(FreezeAsync);

        Assert.Equal(ExitCode.Failed, failure.ExitCode);
        Assert.Equal([Freeze, Thaw, Status], shell.Order(Freeze, Thaw, Status));
        Assert.Contains(Recording.Read(recording).ErrorText.Trim(), failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"return":0}""", "it froze no file system")]
    [InlineData("""{"return":"many"}""", "it froze no file system")]
    [InlineData("""{"retu""", "it froze no file system")]
    [InlineData("", "it froze no file system")]
    [InlineData("[]", "it froze no file system")]
    public async Task An_invalid_answer_does_not_count_as_a_freeze(string answer, string complaint)
    {
        shell.On(Freeze, Reply.Good(answer));

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(FreezeAsync);

        Assert.Contains(complaint, failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, shell.Count(Thaw));
    }

    [Theory]
    [InlineData("{\"return\":{\"id\":7}}", false)]
    [InlineData("{\"return\":{\"id\":null}}", false)]
    [InlineData("{\"return\":{\"id\":[\"mswindows\"]}}", false)]
    [InlineData("{\"return\":{\"id\":\"\\ud800\"}}", false)]
    [InlineData("{\"return\":{\"\\ud800\":1,\"id\":\"x\"}}", false)]
    [InlineData("{\"return\":{\"id\":\"mswindows\"}}", true)]
    public async Task An_agent_may_answer_anything_about_its_system(string answer, bool isWindows)
    {
        shell.On("guest-get-osinfo", Reply.Good(answer));

        Assert.Equal(isWindows, await Agent().IsWindowsAsync(Web1.Identity, CancellationToken.None));
    }

    [Fact]
    public async Task A_status_that_is_not_text_is_not_an_answer()
    {
        shell.On(Status, Reply.Good("{\"return\":\"\\ud800\"}"));

        Assert.False((await Agent().ReadStatusAsync(Web1.Identity, CancellationToken.None)).IsAnswering);
    }

    [Fact]
    public async Task A_virsh_that_hangs_in_the_freeze_is_followed_by_a_thaw()
    {
        shell.On(Freeze, Reply.Killed);

        _ = await Assert.ThrowsAsync<HypervisorException>(FreezeAsync);

        Assert.Equal([Freeze, Thaw, Status], shell.Order(Freeze, Thaw, Status));
    }

    [Fact]
    public async Task A_cancelled_freeze_is_followed_by_an_uncancelled_thaw()
    {
        using CancellationTokenSource source = new();
        shell.On(Freeze, Reply.Hang);
        Task<FrozenGuest> freeze = Agent().FreezeAsync(Web1.Identity, TimeSpan.FromSeconds(10), source.Token);

        await source.CancelAsync();

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => freeze);
        Assert.Equal([Freeze, Thaw, Status], shell.Order(Freeze, Thaw, Status));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task A_thaw_is_repeated_until_the_agent_reports_thawed(int attempts)
    {
        shell.On(Status, [.. Enumerable.Repeat("agent/frozen", attempts - 1).Select(Reply.Of)]);

        await using (await FreezeAsync())
        {
        }

        Assert.Equal(attempts, shell.Count(Thaw));
    }

    public static TheoryData<string> UnconfirmedThaws =>
        ["agent/frozen", "agent/not-connected", "agent/status-after-timeout", "agent/not-configured"];

    [Theory]
    [MemberData(nameof(UnconfirmedThaws))]
    public async Task An_unconfirmed_thaw_requires_manual_action_and_names_the_commands(string status)
    {
        shell.Now(status).On(Status, [.. Enumerable.Repeat(status, 9).Select(Reply.Of)]);
        FrozenGuest frozen = await FreezeAsync();

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(frozen.ThawAsync);

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.Equal(5, shell.Count(Thaw));
        foreach (string command in new[] { Thaw, Status })
        {
            Assert.Contains(
                $"virsh qemu-agent-command --domain {Web1.Uuid} --timeout {(command == Thaw ? 10 : 5)} "
                + $$"""'{"execute":"{{command}}"}'""",
                failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_thaw_continues_after_a_restart_of_libvirtd()
    {
        FrozenGuest frozen = await FreezeAsync();
        foreach (string call in new[] { Thaw, Status, "domstate" })
        {
            shell.On(call, [.. Enumerable.Repeat("host/unreachable", 20).Select(Reply.Of)]);
        }

        await frozen.ThawAsync();

        Assert.Equal(21, shell.Count(Thaw));
    }

    [Fact]
    public async Task A_libvirtd_that_does_not_return_does_not_block_the_thaw()
    {
        FrozenGuest frozen = await FreezeAsync();
        foreach (string call in new[] { Thaw, Status, "domstate" })
        {
            shell.On(call, [.. Enumerable.Repeat("host/unreachable", 999).Select(Reply.Of)]);
        }

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(frozen.ThawAsync);

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
    }

    [Fact]
    public async Task The_end_of_the_scope_does_not_repeat_the_attempts()
    {
        shell.On(Status, [.. Enumerable.Repeat("agent/frozen", 99).Select(Reply.Of)]);
        FrozenGuest frozen = await FreezeAsync();
        _ = await Assert.ThrowsAsync<HypervisorException>(frozen.ThawAsync);

        await frozen.DisposeAsync();

        Assert.Equal(5, shell.Count(Thaw));
    }

    [Fact]
    public async Task A_guest_that_was_shut_off_needs_no_thaw()
    {
        FrozenGuest frozen = await FreezeAsync();
        shell.Now("shut-off/domstate").On(
            Thaw, Reply.Of("shut-off/agent-status")).On(Status, Reply.Of("shut-off/agent-status"));

        await frozen.ThawAsync();

        Assert.Equal(1, shell.Count(Thaw));
    }

    [Fact]
    public async Task A_domain_that_is_gone_needs_no_thaw_and_no_wait()
    {
        FrozenGuest frozen = await FreezeAsync();
        foreach (string call in new[] { Thaw, Status, "domstate", "domname" })
        {
            shell.On(call, [.. Enumerable.Repeat(0, 99).Select(_ => Reply.Bad(
                $"error: failed to get domain "
                + $"'{Web1.Uuid}'"))]);
        }

        shell.On("list --all --uuid", Reply.Good("\n"));

        await frozen.ThawAsync();

        Assert.Equal(1, shell.Count(Thaw));
    }

    [Fact]
    public async Task A_guest_that_was_paused_while_frozen_does_not_count_as_thawed()
    {
        // libvirt also reports "domain is not running" for a paused guest, which stays frozen when it resumes.
        FrozenGuest frozen = await FreezeAsync();
        shell.Now("paused/domstate").On(Status, [.. Enumerable.Repeat("paused/agent-status", 9).Select(Reply.Of)]);

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(frozen.ThawAsync);

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
    }

    [Theory]
    [InlineData("agent/thawed", true, false)]
    [InlineData("agent/frozen", true, true)]
    [InlineData("agent/not-connected", false, false)]
    [InlineData("agent/not-configured", false, false)]
    [InlineData("agent/status-after-timeout", false, false)]
    [InlineData("shut-off/agent-status", false, false)]
    public async Task The_status_reports_whether_there_is_an_agent(string recording, bool isAnswering, bool isFrozen)
    {
        shell.On(Status, Reply.Of(recording));

        AgentStatus status = await Agent().ReadStatusAsync(Web1.Identity, CancellationToken.None);

        Assert.Equal((isAnswering, isFrozen), (status.IsAnswering, status.IsFrozen));
        Assert.Equal(isAnswering, status.ErrorText is null);
    }

    [Fact]
    public async Task Every_call_has_a_time_limit_for_libvirt_and_a_longer_one_for_virsh()
    {
        await using (await FreezeAsync())
        {
        }

        Assert.All(shell.Calls, call =>
        {
            int limit = int.Parse(call.Arguments[call.Arguments.ToList().IndexOf("--timeout") + 1], null);
            Assert.InRange(call.Timeout.TotalSeconds, limit + 1, limit + 30);
        });
    }

    [Fact]
    public async Task A_missing_virsh_is_reported_as_missing()
    {
        shell.On(Status, Reply.Missing);

        ShellException failure = await Assert.ThrowsAsync<ShellException>(
            () => Agent().ReadStatusAsync(Web1.Identity, CancellationToken.None));

        Assert.True(failure.IsProgramMissing);
    }

    private GuestAgent Agent() => new(new Virsh(shell, null), new LibvirtHost(new Virsh(shell, null)), time);

    private Task<FrozenGuest> FreezeAsync() =>
        Agent().FreezeAsync(Web1.Identity, TimeSpan.FromSeconds(10), CancellationToken.None);
}
