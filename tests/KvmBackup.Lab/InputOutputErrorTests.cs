using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Disks that fail during a backup: that of the guest, of the target, and of the overlays.</summary>
public sealed class InputOutputErrorTests
{
    private const long BadOffsetBytes = 40 << 20;

    [LabFact]
    public async Task A_read_error_of_a_guests_disk_fails_the_backup_and_names_the_disk()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("unreadable")
        {
            Disks =
            [
                new LabDisk("vda"),
                new LabDisk("vdb") { Format = "raw", ContentDirectory = Folder.WithRandomFile("big", 48 << 20) },
            ],
        });
        BackupSite site = new((guest.Name, $"rotate: 2, overlay_dir: {LabEnvironment.NewDirectory("overlays")}"));
        _ = await site.BackUpAsync(guest.Name);
        string earlier = Folder.Describe(site.BackupDirectories(guest.Name).Single());
        string image = Path.Combine(guest.DirectoryPath!, "vdb.raw");
        await using FailingFile disk = await FailingFile.MountAsync(image);
        await guest.BootAsync();
        await disk.FailReadsAsync(BadOffsetBytes);
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        Outcome outcome = (await site.RunAsync("run")).MustEndWith(1);

        Assert.Contains(image, outcome.Output, StringComparison.Ordinal);
        Assert.Contains("Input/output error", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(earlier, Folder.Describe(site.BackupDirectories(guest.Name).Single()));
        await before.AssertUnchangedAsync(site);
        await guest.DestroyAsync();
    }

    [LabFact]
    public async Task A_write_error_of_the_target_fails_the_backup_and_names_the_target()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("unwritable")
        {
            Disks = [new LabDisk("vda") { ContentDirectory = Folder.WithRandomFile("big", 24 << 20) }],
        });
        BackupSite site = new((guest.Name, "rotate: 2"));
        await using FailingFileSystem target = await FailingFileSystem.MountAsync(site.BackupPath);
        _ = await site.BackUpAsync(guest.Name);
        string earlier = Folder.Describe(site.BackupDirectories(guest.Name).Single());
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
        await target.FailAsync();
        await paused.SignalAsync("CONT");

        Outcome outcome = (await paused.WaitAsync(TimeSpan.FromMinutes(1))).MustEndWith(1);

        Assert.Contains(site.BackupPath, outcome.Output, StringComparison.Ordinal);
        Assert.True(
            outcome.Output.Contains("Input/output error", StringComparison.Ordinal), outcome.Output + outcome.Error);
        Assert.Equal(earlier, Folder.Describe(site.BackupDirectories(guest.Name).Single()));
        (await site.RunAsync("verify", guest.Name)).MustSucceed();
        Assert.Equal("vda.qcow2", Path.GetFileName(await guest.SourceOfAsync("vda")));
        Assert.Empty(site.JournalEntries);
    }

    [LabFact]
    public async Task A_write_error_of_an_overlay_pauses_the_guest_which_is_reported_and_loses_no_data()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("dying-overlay")
        {
            Disks = [new LabDisk("vda") { ErrorPolicy = "stop" }],
            Workload = "log,churn",
        });
        string overlays = LabEnvironment.NewDirectory("overlays");
        await using FailingFileSystem dying = await FailingFileSystem.MountAsync(overlays);
        BackupSite site = new((guest.Name, $"rotate: 2, overlay_dir: {overlays}"));
        await guest.WriteFileAsync("/data/before", "before"u8.ToArray());
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
        await guest.WriteFileAsync("/data/meanwhile", "meanwhile"u8.ToArray());
        await dying.FailAsync();
        await guest.WaitForStateAsync("paused (I/O error)");
        await paused.SignalAsync("CONT");

        Outcome outcome = (await paused.WaitAsync(TimeSpan.FromMinutes(1))).MustEndWith(5);

        Assert.Contains("THE GUEST IS PAUSED", outcome.Output, StringComparison.Ordinal);
        Assert.Equal("vda.qcow2", Path.GetFileName(await guest.SourceOfAsync("vda")));
        TypedAdvice advice = new(site);
        Outcome errors = Assert.Single(await advice.TypeAsync(outcome.Output, "virsh domblkerror"));
        Assert.Contains("vda", errors.Output, StringComparison.Ordinal);
        _ = await advice.TypeAsync(outcome.Output, "virsh resume");
        Assert.Equal("beforemeanwhile", await guest.RunAsync("cat /data/before /data/meanwhile"));
        await guest.DestroyAsync();
        await LabImage.CheckAsync(Path.Combine(guest.DirectoryPath!, "vda.qcow2"));
    }
}
