using System.Globalization;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>
/// libvirtd ends in the middle of a run and comes back, as with every upgrade of its package: the guest is on its own disks
/// again at the end of that very run, without a recovery.
/// </summary>
public sealed class LibvirtRestartTests
{
    [LabFact(Timeout = 1_200_000)]
    public async Task A_run_outlives_a_libvirtd_that_is_started_anew_at_any_step()
    {
        await using CrashSite site = await CrashSite.CreateAsync("restarted");
        foreach (string step in site.Steps(seed: 5))
        {
            if (await site.HoldAsync(step) is not { } held)
            {
                continue;
            }

            await LabLibvirt.RestartAsync();
            await held.SignalAsync("CONT");

            await AssertEndedWellAsync(site, held, step);
        }
    }

    [LabFact(Timeout = 1_200_000)]
    public async Task A_run_outlives_a_libvirtd_that_is_away_for_ten_seconds()
    {
        await using CrashSite site = await CrashSite.CreateAsync("away");
        string[] delicate = ["Snapshotted", "Pivoted:vdb"];
        foreach (string step in CrashSite.IsFullMatrix ? site.Steps(seed: 6) : delicate)
        {
            if (await site.HoldAsync(step) is not { } held)
            {
                continue;
            }

            await LabLibvirt.StopAsync();
            try
            {
                await held.SignalAsync("CONT");
                await Task.Delay(TimeSpan.FromSeconds(10));
            }
            finally
            {
                await LabLibvirt.StartAsync();
            }

            await AssertEndedWellAsync(site, held, step);
        }
    }

    private static async Task AssertEndedWellAsync(CrashSite site, RunningProgram held, string step)
    {
        Outcome outcome = await held.WaitAsync(TimeSpan.FromMinutes(3));

        // A step may fail for want of a libvirtd; then the run says so, and the guest is well all the same.
        string exitCode = outcome.ExitCode.ToString(CultureInfo.InvariantCulture);
        Assert.True(outcome.ExitCode is 0 or 1, $"{step}: {exitCode}\n{outcome.Output}\n{outcome.Error}");
        await site.AssertGuestIsWellAsync(step);
        await site.AssertNextBackupIsGoodAsync(step);
    }
}
