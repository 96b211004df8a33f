using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Guest agents that are missing, silent, unwilling or stuck.</summary>
public sealed class AgentTests
{
    [LabFact]
    [Proves("guest: running, without an agent", "crash-consistent")]
    public Task A_guest_without_agent_is_backed_up_crash_consistent_unless_a_freeze_is_required() =>
        AssertDowngradedAsync(LabAgent.None, "no guest agent channel");

    [LabFact]
    [Proves("guest: running, its agent does not answer", "crash-consistent")]
    public Task A_guest_with_a_silent_agent_is_backed_up_crash_consistent_unless_a_freeze_is_required() =>
        AssertDowngradedAsync(LabAgent.Hang, "the guest agent does not answer");

    [LabFact]
    public Task A_guest_whose_agent_refuses_is_backed_up_crash_consistent_unless_a_freeze_is_required() =>
        AssertDowngradedAsync(LabAgent.Refuse, "fsfreeze hook has failed");

    [LabFact]
    public async Task A_stuck_freeze_is_reported_and_thawed_by_recover_when_it_completes_late()
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("stuck") { Agent = LabAgent.Stall });
        BackupSite site = new((guest.Name, "rotate: 2, freeze_timeout: 5s"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        JsonElement report = await site.ReportAsync(5, "backup", guest.Name);

        JsonElement job = report.GetProperty("jobs")[0];
        Assert.Equal("manual_action_required", job.GetProperty("outcome").GetString());
        Assert.Contains("MAY STILL BE FROZEN", job.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Contains("guest-fsfreeze-thaw", job.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Empty(site.BackupDirectories(guest.Name));
        Assert.EndsWith("vda.qcow2", await guest.SourceOfAsync("vda"), StringComparison.Ordinal);

        // The worst case: the agent continues, and freezes the guest after the run has stopped waiting.
        await guest.RunAsync("kill $(pidof sleep)");
        await WaitUntilFrozenAsync(guest);
        (await site.RunAsync("recover")).MustSucceed();
        await before.AssertUnchangedAsync(site);

        // The same again, fixed with the advised command.
        TypedAdvice advice = new(site);
        string reason = job.GetProperty("reason").GetString()!;
        await StallAsync(guest);
        await guest.RunAsync("kill $(pidof sleep)");
        await WaitUntilFrozenAsync(guest);
        IReadOnlyList<Outcome> typed = await advice.TypeAsync(reason, "virsh qemu-agent-command");
        Assert.Contains("thawed", typed[^1].Output, StringComparison.Ordinal);

        // An agent that never answers again.
        await StallAsync(guest);
        _ = await advice.TypeAsync(reason, "virsh reset");
        await guest.WaitUntilReadyAsync();
    }

    private static async Task StallAsync(LabGuest guest) => Assert.NotEqual(
        0, (await Virsh.TryAsync(
            "qemu-agent-command", guest.Name, "--timeout", "5", """{"execute":"guest-fsfreeze-freeze"}""")).ExitCode);

    private static async Task WaitUntilFrozenAsync(LabGuest guest)
    {
        for (int tries = 0; tries < 100; tries++)
        {
            Outcome status = await Virsh.TryAsync(
                "qemu-agent-command", guest.Name, "--timeout", "5", """{"execute":"guest-fsfreeze-status"}""");
            if (status.Output.Contains("frozen", StringComparison.Ordinal))
            {
                return;
            }

            await Task.Delay(100);
        }

        Assert.Fail("The guest did not freeze.");
    }

    private static async Task AssertDowngradedAsync(LabAgent agent, string reason)
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification($"agent-{agent}") { Agent = agent });
        BackupSite site = new((guest.Name, "rotate: 2, freeze_timeout: 10s"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        JsonElement job = await site.BackUpAsync(guest.Name);
        await before.AssertUnchangedAsync(site);
        site.Configure((guest.Name, "rotate: 2, quiesce: require"));
        Outcome required = (await site.RunAsync("backup", guest.Name)).MustEndWith(1);
        await before.AssertUnchangedAsync(site);

        JsonElement shown = await site.ReportAsync("show", guest.Name);
        Assert.Equal("crash", shown.GetProperty("backup").GetProperty("consistency").GetString());
        Assert.Contains(
            reason, shown.GetProperty("details").GetProperty("consistency_reason").GetString(),
            StringComparison.Ordinal);
        Assert.Contains(reason, job.GetProperty("warnings")[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("quiesce: require", required.Output, StringComparison.Ordinal);
        Assert.Contains(reason, required.Output, StringComparison.Ordinal);
        Assert.Single(site.BackupDirectories(guest.Name));
    }
}
