using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>The script's interactive commands, which the quickstart shows.</summary>
public sealed class LabScriptTests
{
    [LabFact]
    public async Task A_command_runs_in_the_guest_through_its_agent()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("web 1 ä"));

        Outcome good = await LabScriptAsync("exec", guest.Name, "echo \"it's $((6 * 7))\" >/data/said; cat /data/said");
        Outcome bad = await LabScriptAsync("exec", guest.Name, "echo no; exit 9");

        Assert.Equal("it's 42\n", good.MustSucceed().Output);
        Assert.Equal("no\n", bad.MustEndWith(9).Output);
    }

    [LabFact]
    public async Task A_lab_within_a_lab_has_no_access_to_the_guests_of_the_other()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("outer"));

        Outcome inner = await LabScriptAsync(
            "run",
            "bash",
            "-c",
            "virsh list --all --name; ls $KVMBACKUP_LAB_IMAGES; touch /etc/made /var/lib/made; exit 7");

        Assert.Equal("", inner.MustEndWith(7).Output.Trim());
        Assert.False(File.Exists("/etc/made") || File.Exists("/var/lib/made"), "the inner lab wrote outside");
        Assert.Equal("running", await guest.StateAsync());
    }

    [LabFact]
    public async Task A_program_that_a_test_starts_can_be_interrupted()
    {
        await using RunningProgram sleep = RunningProgram.Start("sleep", ["60"]);

        await sleep.SignalAsync("INT");

        (await sleep.WaitAsync(TimeSpan.FromSeconds(5))).MustEndWith(130);
    }

    private static Task<Outcome> LabScriptAsync(params IEnumerable<string> arguments) =>
        RunningProgram.RunAsync(LabEnvironment.ScriptPath, arguments);
}
