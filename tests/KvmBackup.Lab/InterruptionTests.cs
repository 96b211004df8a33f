using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Runs that are interrupted during the read, and concurrent runs.</summary>
public sealed class InterruptionTests
{
    private const string Slow = "rotate: 2, compression: none, limits: {bandwidth: 30 MiB/s}";

    [LabFact]
    public async Task A_signal_during_the_read_puts_the_guest_back_on_its_disks_and_publishes_nothing()
    {
        await using LabGuest guest = await StartBigAsync("signalled");
        BackupSite site = new((guest.Name, Slow));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        foreach ((string signal, int exitCode) in new[] { ("TERM", 143), ("INT", 130) })
        {
            await using RunningProgram running = await StartAndReadAsync(site, guest);
            await running.SignalAsync(signal);
            Outcome outcome = (await running.WaitAsync(TimeSpan.FromMinutes(1))).MustEndWith(exitCode);

            Assert.Contains("interrupted", outcome.Output + outcome.Error, StringComparison.Ordinal);
            Assert.Empty(site.BackupDirectories(guest.Name));
            await before.AssertUnchangedAsync(site);
        }
    }

    [LabFact]
    public async Task The_next_run_recovers_from_a_killed_one_and_completes_its_backup()
    {
        await using LabGuest guest = await StartBigAsync("killed");
        BackupSite site = new((guest.Name, Slow));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        await using (RunningProgram running = await StartAndReadAsync(site, guest))
        {
            await running.SignalAsync("KILL");
        }

        await guest.WriteFileAsync("/data/meanwhile", "not lost"u8.ToArray());
        Assert.Empty((await site.ReportAsync("list")).GetProperty("backups").EnumerateArray());

        // The watcher of the killed run may already be recovering.
        (await site.RunAsync("--wait", "60", "run")).MustSucceed();

        await before.AssertUnchangedAsync(site);
        Assert.Equal("not lost", await guest.RunAsync("cat /data/meanwhile"));
        Assert.Single(site.BackupDirectories(guest.Name));
    }

    [LabFact]
    public async Task The_second_of_two_concurrent_runs_fails_or_waits()
    {
        await using LabGuest guest = await StartBigAsync("shared");
        BackupSite site = new((guest.Name, Slow));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        await using RunningProgram first = await StartAndReadAsync(site, guest);
        await using RunningProgram patient = site.Start("run", "--wait", "150");

        Outcome second = await site.RunAsync("run");
        second.MustEndWith(11);
        Assert.Contains("--wait", second.Error, StringComparison.Ordinal);
        (await first.WaitAsync(TimeSpan.FromMinutes(2))).MustSucceed();
        (await patient.WaitAsync(TimeSpan.FromMinutes(2))).MustSucceed();

        Assert.Equal(2, site.BackupDirectories(guest.Name).Count);
        await before.AssertUnchangedAsync(site);
    }

    /// <summary>A disk whose read takes some seconds at that rate.</summary>
    private static Task<LabGuest> StartBigAsync(string name) => LabGuest.StartAsync(new LabGuestSpecification(name)
    {
        Disks =
        [
            new LabDisk("vda")
            {
                Format = "raw", SizeBytes = 192 << 20, ContentDirectory = Folder.WithRandomFile("big", 120 << 20),
            },
        ],
    });

    /// <summary>Starts a run and returns when it reads the disk.</summary>
    private static async Task<RunningProgram> StartAndReadAsync(BackupSite site, LabGuest guest)
    {
        RunningProgram running = site.Start("run");
        await running.WaitUntilSaidAsync("reading vda.raw");
        Assert.NotEqual("vda.raw", Path.GetFileName(await guest.SourceOfAsync("vda")));
        return running;
    }
}
