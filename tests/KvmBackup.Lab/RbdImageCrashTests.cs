using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>The crash and fault matrices for an image that no guest has.</summary>
[Trait("Needs", "Ceph")]
public sealed class RbdImageCrashTests
{
    private const int Limit = 3_600_000;
    private const int SelectedFaults = 6;

    [LabFact(Timeout = Limit)]
    public Task The_watcher_removes_the_snapshot_of_a_run_killed_at_any_step() => AtEveryStepAsync(
        "lone watched", seed: 11, async (site, step, paused) =>
        {
            await paused.SignalAsync("KILL");
            await site.WaitUntilRecoveredAsync(step);

            // A snapshot that the cluster may still create is recorded, and a later run removes it.
            (await site.Site.RunAsync("--wait", "30", "recover")).MustSucceed();
        });

    [LabFact(Timeout = Limit)]
    public Task Recover_removes_the_snapshot_of_a_run_killed_at_any_step() => AtEveryStepAsync(
        "lone by hand", seed: 12, async (site, _, paused) =>
        {
            await CrashSite.KillWatcherAsync(paused);
            await paused.SignalAsync("KILL");
            (await site.Site.RunAsync("recover")).MustSucceed();
            (await site.Site.RunAsync("recover")).MustSucceed();
        });

    [LabFact(Timeout = Limit)]
    public Task A_terminated_run_of_an_image_removes_its_snapshot_at_every_step() => AtEveryStepAsync(
        "lone terminated", seed: 13, async (_, step, paused) =>
        {
            await paused.SignalAsync("TERM");
            await paused.SignalAsync("CONT");
            Outcome outcome = await paused.WaitAsync(TimeSpan.FromMinutes(2));
            Assert.True(outcome.ExitCode is 143 or 0, $"{step}: {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
        });

    [LabFact(Timeout = Limit)]
    public async Task A_fault_of_any_rbd_call_harms_no_backup_of_an_image_and_leaves_no_snapshot()
    {
        await using StandaloneImageSite site = await StandaloneImageSite.CreateAsync("lone faults");
        FaultyPrograms programs = new();
        await site.ChangeAsync();
        (await programs.RunAsync(site.Site, at: 0, ProgramFault.Fail)).MustSucceed();
        site.Remember();
        foreach ((int at, ProgramFault fault) in RbdFaults.Select([.. programs.Calls], SelectedFaults))
        {
            int before = site.Site.BackupDirectories(site.Folder).Count;
            await site.ChangeAsync();
            Outcome run = await programs.RunAsync(site.Site, at, fault);
            string printed =
                $"call {at}, {fault}: {programs.Calls.ElementAtOrDefault(at - 1)}\nexit code "
                + $"{run.ExitCode}\n{run.Output}\n{run.Error}";
            Assert.True(run.ExitCode is 0 or 1, printed);
            Assert.True(
                site.Site.BackupDirectories(site.Folder).Count - before == (run.ExitCode == 0 ? 1 : 0), printed);

            Outcome recovery = await site.Site.RunAsync("--wait", "60", "recover");
            Assert.True(recovery.ExitCode == 0, $"{printed}\n--- recover\n{recovery.Output}\n{recovery.Error}");
            await site.AssertIntactAsync(printed);
            site.Remember();
        }

        (await site.Site.RunAsync("verify", "--all")).MustSucceed();
        await site.AssertNextBackupSucceedsAsync("at last");
    }

    private static async Task AtEveryStepAsync(
        string name, int seed, Func<StandaloneImageSite, string, RunningProgram, Task> happenAsync)
    {
        await using StandaloneImageSite site = await StandaloneImageSite.CreateAsync(name);
        foreach (string step in StandaloneImageSite.SelectSteps(seed))
        {
            await using RunningProgram paused = await site.StartPausedAsync(step);
            await happenAsync(site, step, paused);
            await site.AssertIntactAsync(step);
            await site.AssertNextBackupSucceedsAsync(step);
        }

        (await site.Site.RunAsync("verify", "--all")).MustSucceed();
    }
}
