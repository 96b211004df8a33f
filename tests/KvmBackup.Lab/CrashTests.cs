using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>
/// The crash matrix: something happens after each step of the sacred order, by the steps' own names, and the guest must be
/// running, thawed, on its own disks, with all it wrote, and the next backup good.
/// </summary>
[Trait("Needs", "Ceph")]
public sealed class CrashTests
{
    private const int Limit = 3_600_000;

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task A_watcher_mends_what_a_killed_run_left_at_every_step() =>
        CrashSite.AtEveryStepAsync("watched", seed: 1, async (site, step, held) =>
        {
            await held.SignalAsync("KILL");
            await site.WaitUntilRecoveredAsync(step);
        });

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task Recover_by_hand_mends_what_a_killed_run_left_at_every_step() =>
        CrashSite.AtEveryStepAsync("by-hand", seed: 2, async (site, _, held) =>
        {
            await CrashSite.KillWatcherAsync(held);
            await held.SignalAsync("KILL");

            (await site.Site.RunAsync("recover")).MustSucceed();
            (await site.Site.RunAsync("recover")).MustSucceed();
        });

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task A_terminated_run_unwinds_by_itself_at_every_step() =>
        CrashSite.AtEveryStepAsync("terminated", seed: 3, async (_, step, held) =>
        {
            await held.SignalAsync("TERM");
            await held.SignalAsync("CONT");
            await held.SignalAsync("TERM");
            Outcome outcome = await held.WaitAsync(TimeSpan.FromMinutes(2));

            Assert.True(outcome.ExitCode is 143 or 0, $"{step}: {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
        });

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task A_guest_that_dies_at_any_step_starts_again_from_its_own_disks() =>
        CrashSite.AtEveryStepAsync("dying", seed: 4, async (site, step, held) =>
        {
            await site.Guest.DestroyAsync();
            await held.SignalAsync("CONT");
            _ = await held.WaitAsync(TimeSpan.FromMinutes(2));

            await site.AssertDisksAreWellAsync(step);
            await site.Guest.BootAsync();
        });

    [LabFact]
    public async Task Recover_says_so_when_there_is_nothing_to_recover()
    {
        BackupSite site = new(("nobody", "rotate: 1"));

        Outcome outcome = (await site.RunAsync("recover")).MustSucceed();

        Assert.Contains("nothing to recover", outcome.Output, StringComparison.Ordinal);
    }
}
