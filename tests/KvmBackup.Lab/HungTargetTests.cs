using System.Diagnostics;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>A target that stops accepting data, like a share of an unreachable server: the guest does not wait for
/// it.</summary>
public sealed class HungTargetTests
{
    private const string Keys = "rotate: 9, stall_timeout: 5s, compression: none";
    private const string HastyKeys = "rotate: 9, stall_timeout: 1s, compression: none";

    [LabFact]
    public async Task A_target_that_hangs_during_the_read_keeps_no_guest_on_its_overlay()
    {
        await using LabGuest guest = await StartGuestAsync("hung");
        BackupSite site = new((guest.Name, Keys));
        await using HangingFileSystem target = await HangingFileSystem.MountAsync(site.BackupPath, 1000);
        (await site.RunAsync("run")).MustSucceed();
        string earlier = Folder.Describe(site.BackupDirectories(guest.Name).Single());
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
        await target.WhileHangingAsync(async () =>
        {
            await paused.SignalAsync("CONT");
            await WaitUntilReleasedAsync(guest, paused, TimeSpan.FromSeconds(20));
            await WaitUntilPrintedAsync(paused, "NOT BACKED UP", TimeSpan.FromSeconds(90));
        });
        Outcome outcome = (await paused.WaitAsync(TimeSpan.FromSeconds(30))).MustEndWith(1);

        Assert.Contains("the target took no data for 5 s", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(earlier, Folder.Describe(site.BackupDirectories(guest.Name).Single()));
        (await site.RunAsync("run")).MustSucceed();
        (await site.RunAsync("verify", guest.Name)).MustSucceed();
        await before.AssertUnchangedAsync(site);
    }

    [LabFact]
    public async Task A_target_that_hangs_after_the_read_does_not_block_the_run()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("hung-late"));
        BackupSite site = new((guest.Name, HastyKeys));
        await using HangingFileSystem target = await HangingFileSystem.MountAsync(site.BackupPath, 700);
        (await site.RunAsync("run")).MustSucceed();
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        int backups = 1;
        string[] delicate = ["Completed"];
        foreach (string step in CrashSite.IsFullMatrix ? ["Released:vda", "Completed"] : delicate)
        {
            await using RunningProgram paused = await PausedProgram.StartAsync(site, step, "run");
            await target.WhileHangingAsync(async () =>
            {
                await paused.SignalAsync("CONT");
                await WaitUntilPrintedAsync(paused, "NOT BACKED UP", TimeSpan.FromSeconds(110));
            });
            Outcome outcome = (await paused.WaitAsync(TimeSpan.FromSeconds(30))).MustEndWith(1);

            Assert.Contains(site.BackupPath, outcome.Output, StringComparison.Ordinal);
            Assert.Equal(backups, site.BackupDirectories(guest.Name).Count);
            (await site.RunAsync("run")).MustSucceed();
            (await site.RunAsync("verify", guest.Name)).MustSucceed();
            await before.AssertUnchangedAsync(site);
            backups++;
        }
    }

    [LabFact]
    public async Task A_target_that_hangs_before_the_backup_is_reported_and_no_guest_is_touched()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("hung-before"));
        BackupSite site = new((guest.Name, Keys));
        await using HangingFileSystem target = await HangingFileSystem.MountAsync(site.BackupPath, 700);
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        RunningProgram? started = null;
        await target.WhileHangingAsync(async () =>
        {
            started = site.Start("-v", "run");
            await WaitUntilPrintedAsync(started, "does not answer", TimeSpan.FromSeconds(60));
        });
        await using RunningProgram running = started!;
        Outcome outcome = (await running.WaitAsync(TimeSpan.FromSeconds(30))).MustEndWith(1);

        Assert.DoesNotContain("snapshot-create-as", outcome.Error, StringComparison.Ordinal);
        await before.AssertUnchangedAsync(site);
        (await site.RunAsync("run")).MustSucceed();
    }

    /// <summary>A guest with more data than the program keeps in memory.</summary>
    private static Task<LabGuest> StartGuestAsync(string name) => LabGuest.StartAsync(new LabGuestSpecification(name)
    {
        Disks = [
            new LabDisk("vda") { SizeBytes = 192 << 20, ContentDirectory = Folder.WithRandomFile("big", 120 << 20) }],
    });

    private static async Task WaitUntilReleasedAsync(LabGuest guest, RunningProgram paused, TimeSpan limit)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (!(await guest.SourceOfAsync("vda")).EndsWith("vda.qcow2", StringComparison.Ordinal)
            || (await guest.LiveXmlAsync()).Descendants("mirror").Any())
        {
            Assert.True(clock.Elapsed < limit, $"The guest is still on its overlay:\n{paused.ErrorSoFar}");
            await Task.Delay(200);
        }
    }

    private static async Task WaitUntilPrintedAsync(RunningProgram running, string text, TimeSpan limit)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (!running.OutputSoFar.Contains(text, StringComparison.Ordinal))
        {
            Assert.True(
                clock.Elapsed < limit, $"It does not print {text}:\n{running.OutputSoFar}\n{running.ErrorSoFar}");
            await Task.Delay(100);
        }
    }
}
