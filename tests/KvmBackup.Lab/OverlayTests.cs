using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Overlays during state changes of the guest, and guests in special states.</summary>
public sealed class OverlayTests
{
    [LabFact]
    [Proves("guest: ends during its backup", "the overlay is committed offline")]
    public async Task A_guest_that_shuts_down_during_a_backup_is_backed_up_and_keeps_its_writes()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("downed")
        {
            Disks =
            [
                new LabDisk(
                    "vda") { SizeBytes = 192 << 20, ContentDirectory = Folder.WithRandomFile("big", 120 << 20) },
                new LabDisk("vdb") { Format = "raw" },
            ],
        });
        BackupSite site = new((guest.Name, "rotate: 2, compression: none, limits: {bandwidth: 30 MiB/s}"));
        string before = string.Join(' ', Directory.GetFiles(guest.DirectoryPath!));
        await using RunningProgram running = site.Start("--json", "run");
        await running.WaitUntilSaidAsync("reading vda");
        await guest.RunAsync("for disk in vda vdb; do echo meanwhile >/disk/$disk/late; done; sync");
        await guest.DestroyAsync();

        Outcome outcome = await running.WaitAsync(TimeSpan.FromMinutes(2));

        outcome.MustSucceed();
        Assert.Equal(before, string.Join(' ', Directory.GetFiles(guest.DirectoryPath!)));
        Assert.Empty(site.JournalEntries);
        Assert.Equal("shut off", await guest.StateAsync());
        await guest.BootAsync();
        Assert.Equal("meanwhile\nmeanwhile\n", await guest.RunAsync("cat /disk/vda/late /disk/vdb/late"));
    }

    [LabFact]
    public async Task Overlays_are_created_in_the_configured_folder_and_lack_of_space_there_ends_the_backup()
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("overlaid") { Workload = "log,churn" });
        string roomy = await Folder.MountAsync("size=400m");
        string tight = await Folder.MountAsync("size=50m");
        BackupSite site = new((guest.Name, $"rotate: 2, overlay_dir: {roomy}"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        Outcome printed = (await site.RunAsync("-v", "run")).MustSucceed();
        Assert.Contains($"file={roomy}/", printed.Error, StringComparison.Ordinal);
        site.Configure((guest.Name, $"rotate: 2, overlay_dir: {tight}"));
        Outcome outcome = (await site.RunAsync("run")).MustEndWith(1);

        Assert.Contains($"{tight} has ", outcome.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(roomy));
        Assert.Empty(Directory.GetFiles(tight));
        Assert.Single(site.BackupDirectories(guest.Name));
        await before.AssertUnchangedAsync(site);
    }

    [LabFact]
    [Proves("guest: paused", "crash-consistent; it stays paused")]
    [Proves("guest: transient", "as any other; the restore defines it")]
    public async Task A_paused_guest_stays_paused_and_a_transient_one_stays_transient()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("stateful"));
        BackupSite site = new((guest.Name, "rotate: 9"));
        await Virsh.RunAsync("suspend", guest.Name);
        GuestFootprint paused = await GuestFootprint.TakeAsync(guest);

        _ = await site.BackUpAsync(guest.Name);
        await paused.AssertUnchangedAsync(site);
        JsonElement shown = (await site.ReportAsync("show", guest.Name)).GetProperty("details");
        Assert.Equal("the guest is paused", shown.GetProperty("consistency_reason").GetString());

        await Virsh.RunAsync("resume", guest.Name);
        await guest.UndefineAsync();
        GuestFootprint transient = await GuestFootprint.TakeAsync(guest);
        JsonElement job = await site.BackUpAsync(guest.Name);
        await transient.AssertUnchangedAsync(site);
        Assert.Equal("filesystem", job.GetProperty("backup").GetProperty("consistency").GetString());
        Assert.Contains("transient", job.GetProperty("warnings")[0].GetString(), StringComparison.Ordinal);

        await guest.DestroyAsync();
        Assert.False(await Virsh.ExistsAsync(guest.Name));
        await guest.DeleteDisksAsync();
        (await site.RunAsync("restore", guest.Name, "--start")).MustSucceed();
        await guest.WaitUntilReadyAsync();
        Assert.NotEqual("0", (await guest.RunAsync("cat /data/log | wc -l")).Trim());
    }
}
