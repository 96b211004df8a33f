using System.Globalization;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>
/// libvirtd ends in the middle of a run and comes back, as with every upgrade of its package: the guest is on its own disks
/// again at the end of that very run, without a recovery.
/// </summary>
[Trait("Needs", "Ceph")]
public sealed class LibvirtRestartTests
{
    private const int Limit = 3_600_000;

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task A_run_outlives_a_libvirtd_that_is_started_anew_at_any_step() =>
        CrashSite.AtEveryStepAsync("restarted", seed: 5, async (_, step, held) =>
        {
            await LabLibvirt.RestartAsync();
            await held.SignalAsync("CONT");
            await AssertEndedAsync(held, step);
        });

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task A_run_outlives_a_libvirtd_that_is_away_for_ten_seconds() =>
        CrashSite.AtEveryStepAsync("away", ["Snapshotted", "Pivoted:vda"], async (_, step, held) =>
        {
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

            await AssertEndedAsync(held, step);
        });

    /// <summary>A step may fail for want of a libvirtd; then the run says so, and the guest is well all the same.</summary>
    private static async Task AssertEndedAsync(RunningProgram held, string step)
    {
        Outcome outcome = await held.WaitAsync(TimeSpan.FromMinutes(3));

        string exitCode = outcome.ExitCode.ToString(CultureInfo.InvariantCulture);
        Assert.True(outcome.ExitCode is 0 or 1, $"{step}: {exitCode}\n{outcome.Output}\n{outcome.Error}");
    }
}
