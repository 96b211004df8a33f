using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>A shutdown of the host during a backup waits until the guest is back on its disks.</summary>
public sealed class ShutdownTests
{
    [LabFact]
    public async Task A_shutdown_waits_until_the_run_has_released_the_guest()
    {
        await using LabLogin login = await LabLogin.StartAsync();

        // Enough data that one thread of pigz is still busy when the shutdown is noticed.
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("shutdown")
        {
            Disks = [new LabDisk(
                "vda") { SizeBytes = 192 << 20, ContentDirectory = Folder.WithRandomFile("big", 150 << 20) }],
        });
        BackupSite site = new((guest.Name, "rotate: 2, compression: {method: pigz, level: 9, threads: 1}"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", login.Variables, "run");
        Assert.Contains("kvmbackup", (await LabLogin.InhibitorsAsync()).Output, StringComparison.Ordinal);

        await LabLogin.BeginShutdownAsync();
        await paused.SignalAsync("CONT");
        Outcome outcome = (await paused.WaitAsync(TimeSpan.FromSeconds(60))).MustEndWith(1);

        Assert.Contains("The host is shutting down", outcome.Error, StringComparison.Ordinal);
        Assert.Empty(login.Calls);
        Assert.Contains("interrupted; the guest is as it was", outcome.Output, StringComparison.Ordinal);
        Assert.Empty(site.BackupDirectories(guest.Name));
        await before.AssertUnchangedAsync(site);
        Assert.DoesNotContain("kvmbackup", (await LabLogin.InhibitorsAsync()).Output, StringComparison.Ordinal);
    }

    [LabFact]
    public async Task A_killed_run_does_not_delay_a_shutdown()
    {
        await using LabLogin login = await LabLogin.StartAsync();
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("shutdown-killed"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");

        await paused.SignalAsync("KILL");
        for (int tries = 0; (await LabLogin.InhibitorsAsync()).Output.Contains(
            "kvmbackup", StringComparison.Ordinal); tries++)
        {
            Assert.True(tries < 100, "The inhibitor still exists.");
            await Task.Delay(100);
        }

        (await site.RunAsync("--wait", "60", "recover")).MustSucceed();
        Assert.EndsWith("vda.qcow2", await guest.SourceOfAsync("vda"), StringComparison.Ordinal);
    }
}
