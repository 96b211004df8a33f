using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>File systems that fill up during a backup: that of the target, and that of the overlays.</summary>
public sealed class FullDiskTests
{
    [LabFact]
    public async Task A_target_that_fills_up_fails_the_backup_and_keeps_earlier_ones()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("filled")
        {
            Disks = [new LabDisk("vda") { ContentDirectory = Folder.WithRandomFile("big", 24 << 20) }],
        });
        BackupSite site = new((guest.Name, "rotate: 2"));
        (await RunningProgram.RunAsync("mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", site.BackupPath))
            .MustSucceed();
        _ = await site.BackUpAsync(guest.Name);
        _ = await site.BackUpAsync(guest.Name);
        string earlier = Describe(site, guest);
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
        string filler = Path.Combine(site.BackupPath, "filler");
        _ = await RunningProgram.RunAsync("dd", "if=/dev/zero", $"of={filler}", "bs=64k");
        await paused.SignalAsync("CONT");

        Outcome outcome = (await paused.WaitAsync(TimeSpan.FromMinutes(1))).MustEndWith(1);

        File.Delete(filler);
        Assert.Contains(site.BackupPath, outcome.Output, StringComparison.Ordinal);
        Assert.Contains("0 B free", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(earlier, Describe(site, guest));
        (await site.RunAsync("verify", guest.Name)).MustSucceed();
        await before.AssertUnchangedAsync(site);
        _ = await site.BackUpAsync(guest.Name);
    }

    [LabFact]
    public async Task A_guest_is_not_paused_when_the_space_for_overlays_is_nearly_used_up()
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("tight") { Workload = "log,churn" });
        string overlays = await Folder.MountAsync("size=140m");
        BackupSite site = new((guest.Name, $"rotate: 2, overlay_dir: {overlays}"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        await using RunningProgram events = RunningProgram.Start(
            "virsh",
            ["--connect", "qemu:///system", "event", "--domain", guest.Name, "--event", "lifecycle", "--loop"]);
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
        (await RunningProgram.RunAsync("fallocate", "--length", "80M", Path.Combine(overlays, "filler"))).MustSucceed();
        await paused.SignalAsync("CONT");

        Outcome outcome = (await paused.WaitAsync(TimeSpan.FromMinutes(1))).MustEndWith(1);

        Assert.Contains($"{overlays} has ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("overlay_dir", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Suspended", events.OutputSoFar, StringComparison.Ordinal);
        Assert.Equal(["filler"], Directory.GetFiles(overlays).Select(Path.GetFileName));
        await before.AssertUnchangedAsync(site);
    }

    [LabFact]
    public async Task A_guest_paused_for_lack_of_space_is_reported_and_continues_on_its_own_disk_when_resumed()
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("paused") { Workload = "log,churn" });
        string overlays = await Folder.MountAsync("size=100m");
        BackupSite site = new((guest.Name, $"rotate: 2, overlay_dir: {overlays}"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
        string filler = Path.Combine(overlays, "filler");
        _ = await RunningProgram.RunAsync("dd", "if=/dev/zero", $"of={filler}", "bs=64k");
        await guest.WaitForStateAsync("paused (I/O error)");
        await paused.SignalAsync("CONT");

        Outcome outcome = (await paused.WaitAsync(TimeSpan.FromMinutes(1))).MustEndWith(5);

        Assert.Contains("THE GUEST IS PAUSED", outcome.Output, StringComparison.Ordinal);
        Assert.Equal("paused (I/O error)", await guest.StateAndReasonAsync());
        Assert.Equal([filler], Directory.GetFiles(overlays));
        TypedAdvice advice = new(site);
        _ = await advice.TypeAsync(outcome.Output, "virsh domblkerror");
        _ = await advice.TypeAsync(outcome.Output, "virsh resume");
        await before.AssertUnchangedAsync(site);
        File.Delete(filler);
        _ = await site.BackUpAsync(guest.Name);
        await guest.DestroyAsync();
        await LabImage.CheckAsync(Path.Combine(guest.DirectoryPath!, "vda.qcow2"));
    }

    private static string Describe(BackupSite site, LabGuest guest) => string.Join(
        '\n', site.BackupDirectories(guest.Name).Select(directory => $"{directory}\n{Folder.Describe(directory)}"));
}
