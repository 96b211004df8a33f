using System.Globalization;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>
/// libvirtd is restarted during a run, as by an upgrade of its package: the guest is on its own disks at the end of
/// that run, without a recovery.
/// </summary>
[Trait("Needs", "Ceph")]
public sealed class LibvirtRestartTests
{
    private const int Limit = 3_600_000;

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task A_run_succeeds_when_libvirtd_is_restarted_at_any_step() =>
        CrashSite.AtEveryStepAsync("restarted", seed: 5, async (_, step, paused) =>
        {
            await LabLibvirt.RestartAsync();
            await paused.SignalAsync("CONT");
            await AssertEndedAsync(paused, step);
        });

    [LabFact(Timeout = Limit, Seconds = 90)]
    public Task A_run_succeeds_when_libvirtd_is_unavailable_for_ten_seconds() =>
        CrashSite.AtEveryStepAsync("away", ["Snapshotted", "Pivoted:vda"], async (_, step, paused) =>
        {
            await LabLibvirt.StopAsync();
            try
            {
                await paused.SignalAsync("CONT");
                await Task.Delay(TimeSpan.FromSeconds(10));
            }
            finally
            {
                await LabLibvirt.StartAsync();
            }

            await AssertEndedAsync(paused, step);
        });

    /// <summary>A step may fail without libvirtd; then the run reports it, and the guest is intact.</summary>
    private static async Task AssertEndedAsync(RunningProgram paused, string step)
    {
        Outcome outcome = await paused.WaitAsync(TimeSpan.FromMinutes(3));

        string exitCode = outcome.ExitCode.ToString(CultureInfo.InvariantCulture);
        Assert.True(outcome.ExitCode is 0 or 1, $"{step}: {exitCode}\n{outcome.Output}\n{outcome.Error}");
    }
}
