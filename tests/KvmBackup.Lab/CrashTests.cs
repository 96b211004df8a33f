using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>
/// The crash matrix: an event after each step of the backup sequence, by the names of the steps. Afterwards the guest
/// must be running, thawed, on its own disks, with all its writes, and the next backup must succeed.
/// </summary>
[Trait("Needs", "Ceph")]
public sealed class CrashTests
{
    private const int Limit = 3_600_000;

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task The_watcher_recovers_a_guest_when_a_run_is_killed_at_any_step() =>
        CrashSite.AtEveryStepAsync("watched", seed: 1, async (site, step, paused) =>
        {
            await paused.SignalAsync("KILL");
            await site.WaitUntilRecoveredAsync(step);
        });

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task Recover_recovers_a_guest_when_a_run_is_killed_at_any_step() =>
        CrashSite.AtEveryStepAsync("by-hand", seed: 2, async (site, _, paused) =>
        {
            await CrashSite.KillWatcherAsync(paused);
            await paused.SignalAsync("KILL");

            (await site.Site.RunAsync("recover")).MustSucceed();
            (await site.Site.RunAsync("recover")).MustSucceed();
        });

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task A_terminated_run_releases_its_guest_at_every_step() =>
        CrashSite.AtEveryStepAsync("terminated", seed: 3, async (_, step, paused) =>
        {
            await paused.SignalAsync("TERM");
            await paused.SignalAsync("CONT");
            await paused.SignalAsync("TERM");
            Outcome outcome = await paused.WaitAsync(TimeSpan.FromMinutes(2));

            Assert.True(outcome.ExitCode is 143 or 0, $"{step}: {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
        });

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task A_guest_destroyed_at_any_step_starts_from_its_own_disks() =>
        CrashSite.AtEveryStepAsync("dying", seed: 4, async (site, step, paused) =>
        {
            await site.Guest.DestroyAsync();
            await paused.SignalAsync("CONT");
            _ = await paused.WaitAsync(TimeSpan.FromMinutes(2));

            await site.AssertDisksAreIntactAsync(step);
            await site.Guest.StartAgainAsync();
        });

    [LabFact]
    public async Task Recover_reports_that_there_is_nothing_to_recover()
    {
        BackupSite site = new(("nobody", "rotate: 1"));

        Outcome outcome = (await site.RunAsync("recover")).MustSucceed();

        Assert.Contains("nothing to recover", outcome.Output, StringComparison.Ordinal);
    }
}
