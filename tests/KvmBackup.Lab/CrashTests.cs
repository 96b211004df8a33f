using KvmBackup.Lab.Support;
using KvmBackup.Model;

namespace KvmBackup.Lab;

/// <summary>
/// The crash matrix: the program is killed after each step of the sacred order, by the steps' own names, and the guest must
/// be running, thawed, on its own disks, with all it wrote, and the next backup good.
/// </summary>
public sealed class CrashTests
{
    [LabFact(Timeout = 1_200_000)]
    public async Task A_watcher_mends_what_a_killed_run_left_at_every_step()
    {
        await using CrashSite site = await CrashSite.CreateAsync("crash-watched");
        foreach (string step in site.Steps(seed: 1))
        {
            if (await site.HoldAsync(step) is not { } held)
            {
                continue;
            }

            await held.SignalAsync("KILL");

            await site.WaitUntilMendedAsync(step);
            await site.AssertGuestIsWellAsync(step);
            await site.AssertNextBackupIsGoodAsync(step);
        }
    }

    [LabFact(Timeout = 1_200_000)]
    public async Task Recover_by_hand_mends_what_a_killed_run_left_at_every_step()
    {
        await using CrashSite site = await CrashSite.CreateAsync("crash-by-hand");
        foreach (string step in site.Steps(seed: 2))
        {
            if (await site.HoldAsync(step) is not { } held)
            {
                continue;
            }

            await site.KillWatcherAsync(held);
            await held.SignalAsync("KILL");

            (await site.Site.RunAsync("recover")).MustSucceed();
            (await site.Site.RunAsync("recover")).MustSucceed();
            await site.AssertGuestIsWellAsync(step);
            await site.AssertNextBackupIsGoodAsync(step);
        }
    }

    [LabFact(Timeout = 1_200_000)]
    public async Task A_terminated_run_unwinds_by_itself_at_every_step()
    {
        await using CrashSite site = await CrashSite.CreateAsync("crash-term");
        foreach (string step in site.Steps(seed: 3))
        {
            if (await site.HoldAsync(step) is not { } held)
            {
                continue;
            }

            await held.SignalAsync("TERM");
            await held.SignalAsync("CONT");
            await held.SignalAsync("TERM");
            Outcome outcome = await held.WaitAsync(TimeSpan.FromMinutes(2));

            Assert.True(outcome.ExitCode is 143 or 0, $"{step}: {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
            await site.AssertGuestIsWellAsync(step);
            await site.AssertNextBackupIsGoodAsync(step);
        }
    }

    [LabFact(Timeout = 1_200_000)]
    public async Task A_guest_that_dies_at_any_step_starts_again_from_its_own_disks()
    {
        await using CrashSite site = await CrashSite.CreateAsync("crash-guest");
        foreach (string step in site.Steps(seed: 4))
        {
            if (await site.HoldAsync(step) is not { } held)
            {
                continue;
            }

            await site.Guest.DestroyAsync();
            await held.SignalAsync("CONT");
            _ = await held.WaitAsync(TimeSpan.FromMinutes(2));

            await site.AssertDisksAreWellAsync(step);
            await site.Guest.BootAsync();
            await site.AssertGuestIsWellAsync(step);
            await site.AssertNextBackupIsGoodAsync(step);
        }
    }

    [LabFact]
    public async Task Recover_says_so_when_there_is_nothing_to_recover()
    {
        BackupSite site = new(("nobody", "rotate: 1"));

        Outcome outcome = (await site.RunAsync("recover")).MustSucceed();

        Assert.Contains("nothing to recover", outcome.Output, StringComparison.Ordinal);
    }
}
