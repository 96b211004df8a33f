using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Guests that neither run nor are shut off.</summary>
public sealed class StateTests
{
    [LabFact]
    [Proves("guest: sleeping (pmsuspended)", "read in place, crash-consistent; it must not wake up")]
    public async Task A_sleeping_guest_is_backed_up_in_place_and_one_that_wakes_up_is_reported()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("asleep")
        {
            Disks =
            [
                new LabDisk(
                    "vda") { SizeBytes = 128 << 20, ContentDirectory = Folder.WithRandomFile("big", 60 << 20) },
            ],
        });
        await guest.RunAsync("echo mark >/data/mark; sync; (sleep 1; echo mem >/sys/power/state) >/dev/null 2>&1 &");
        await guest.WaitForStateAsync("pmsuspended (unknown)");
        BackupSite site = new((guest.Name, "rotate: 9, compression: none"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        JsonElement job = await site.BackUpAsync(guest.Name);

        Assert.Equal("crash", job.GetProperty("backup").GetProperty("consistency").GetString());
        Assert.Equal(
            "only crash-consistent: the guest sleeps (pmsuspended)",
            Assert.Single(job.GetProperty("warnings").EnumerateArray()).GetString());
        await before.AssertUnchangedAsync(site);

        site.Configure((guest.Name, "rotate: 9, compression: none, limits: {bandwidth: 10 MiB/s}"));
        await using RunningProgram running = site.Start("--json", "run");
        await running.WaitUntilSaidAsync("reading vda");
        await Virsh.RunAsync("dompmwakeup", guest.Name);
        Outcome outcome = (await running.WaitAsync(TimeSpan.FromMinutes(2))).MustEndWith(1);

        Assert.Contains("the guest slept at the beginning, but was started or changed", outcome.Output,
            StringComparison.Ordinal);
        Assert.Single(site.BackupDirectories(guest.Name));
        Assert.Equal("mark\n", await guest.RunAsync("cat /data/mark"));

        await guest.LoseAsync();
        (await site.RunAsync("restore", guest.Name, "--start")).MustSucceed();
        await guest.WaitUntilReadyAsync();
        Assert.Equal("mark\n", await guest.RunAsync("cat /data/mark"));
    }
}
