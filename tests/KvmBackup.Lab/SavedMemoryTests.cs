using System.Text.Json;
using System.Xml.Linq;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Guests with a managed save, before, during and after a backup.</summary>
public sealed class SavedMemoryTests
{
    private const string Restored = "running (restored)";
    private const string Booted = "running (booted)";

    [LabFact]
    public async Task A_guest_that_is_saved_during_a_backup_resumes_with_its_memory_on_its_own_disk()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("saved"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        string disk = await guest.SourceOfAsync("vda");
        await guest.RunAsync("echo remembered >/run/token");

        await using (RunningProgram paused = await PausedProgram.StartAsync(site, "Read:vda", "run"))
        {
            await SaveAsync(guest, "first");
            await paused.SignalAsync("CONT");
            (await paused.WaitAsync(TimeSpan.FromMinutes(2))).MustSucceed();
        }

        await AssertResumesAsync(guest, site, disk, "first");

        await using (RunningProgram killed = await PausedProgram.StartAsync(site, "Read:vda", "run"))
        {
            await CrashSite.KillWatcherAsync(killed);
            await SaveAsync(guest, "second");
            await killed.SignalAsync("KILL");
        }

        (await site.RunAsync("--wait", "30", "recover")).MustSucceed();
        await AssertResumesAsync(guest, site, disk, "second");
    }

    [LabFact]
    [Proves("guest: memory saved (virsh managedsave)", "disks only, reported as crash-consistent")]
    public async Task Saved_memory_is_reported_and_never_resumed_on_a_restored_disk()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("remembering"));
        BackupSite site = new((guest.Name, "rotate: 5"));
        string image = $"/var/lib/libvirt/qemu/save/{guest.Name}.save";
        await SaveAsync(guest, "backed up");

        JsonElement job = await site.BackUpAsync(guest.Name);
        Assert.Equal("crash", job.GetProperty("backup").GetProperty("consistency").GetString());
        Assert.Contains("its memory is saved", (await site.RunAsync("check")).Output, StringComparison.Ordinal);
        Assert.Contains("its memory is saved", (await site.RunAsync("backup", guest.Name, "--dry-run")).Output,
            StringComparison.Ordinal);
        Assert.True(File.Exists(image));

        Outcome refused = (await site.RunAsync("restore", guest.Name, "--replace", guest.Name, "--start"))
            .MustEndWith(2);
        Assert.Contains("--discard-saved-state", refused.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(image));
        string kept = Path.Combine(LabEnvironment.NewDirectory("memory"), "image");
        File.Copy(image, kept);
        (await site.RunAsync("restore", guest.Name, "--replace", guest.Name, "--start", "--discard-saved-state"))
            .MustSucceed();
        await guest.WaitUntilReadyAsync();
        Assert.Equal(Booted, await guest.StateAndReasonAsync());
        Assert.Equal("backed up", await guest.RunAsync("cat /data/late"));

        // A saved image of the undefined guest, which dominfo does not report when a guest of its name is defined
        // again.
        await guest.LoseAsync();
        File.Copy(kept, image);
        Outcome defined = (await site.RunAsync("restore", guest.Name, "--start")).MustEndWith(5);
        Assert.Equal("shut off", await guest.StateAsync());
        TypedAdvice advice = new(site);
        _ = await advice.TypeAsync(defined.Error, "virsh start --force-boot --domain");
        await guest.WaitUntilReadyAsync();
        Assert.Equal(Booted, await guest.StateAndReasonAsync());
        Assert.False(File.Exists(image));

        // managedsave-remove does not remove it, either.
        await guest.DestroyAsync();
        File.Copy(kept, image);
        string[] discard = ["restore", guest.Name, "--replace", guest.Name, "--discard-saved-state"];
        Outcome left = (await site.RunAsync(discard)).MustEndWith(1);
        Assert.Contains("nothing was restored", left.Error, StringComparison.Ordinal);
        _ = await advice.TypeAsync(left.Error, "virsh start --force-boot --paused");
        Assert.False(File.Exists(image));
        Assert.Equal("shut off", await guest.StateAsync());
        (await site.RunAsync(discard)).MustSucceed();
    }

    [LabFact]
    public async Task A_replaced_guest_has_the_definition_of_the_backup_and_its_autostart()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("replaced"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        string disk = await guest.SourceOfAsync("vda");
        await guest.WriteFileAsync("/data/late", "of the backup"u8.ToArray());
        await Virsh.RunAsync("autostart", guest.Name);
        _ = await site.BackUpAsync(guest.Name);
        await Virsh.RunAsync("autostart", "--disable", guest.Name);
        string foreign = Path.Combine(guest.DirectoryPath!, "foreign");
        await Virsh.RunAsync(
            "snapshot-create-as", guest.Name, "its snapshot", "--disk-only", "--diskspec", $"vda,file={foreign}");
        await Virsh.RunAsync("checkpoint-create-as", guest.Name, "its-checkpoint");

        TypedAdvice advice = new(site);
        await Virsh.RunAsync("suspend", guest.Name);
        Outcome paused = (await site.RunAsync("restore", guest.Name, "--replace", guest.Name)).MustEndWith(2);
        _ = await advice.TypeAsync(paused.Error, "virsh resume");
        await guest.WaitForStateAsync("shut off (shutdown)");
        Outcome refused = (await site.RunAsync("restore", guest.Name, "--replace", guest.Name)).MustEndWith(2);
        _ = await advice.TypeAsync(refused.Error, "virsh snapshot-delete --metadata --domain");
        _ = await advice.TypeAsync(refused.Error, "virsh checkpoint-delete --metadata --domain");
        Outcome alone = (await site.RunAsync("restore", guest.Name, "--disk", "vda", "--replace", guest.Name))
            .MustEndWith(2);
        Assert.Contains($"names {foreign} instead of {disk}", alone.Error, StringComparison.Ordinal);
        JsonElement report = await site.ReportAsync("restore", guest.Name, "--replace", guest.Name);

        Assert.True(report.GetProperty("is_defined").GetBoolean());
        Assert.True(report.GetProperty("is_autostarted").GetBoolean());
        Assert.Equal(JsonValueKind.Null, report.GetProperty("hint").ValueKind);
        Assert.Contains(report.GetProperty("warnings").EnumerateArray(), text =>
            text.GetString()!.Contains(foreign, StringComparison.Ordinal));
        Assert.Equal(disk, Virsh.SourcesIn(await guest.InactiveXmlAsync())["vda"]);
        Assert.Contains("enable", await Virsh.RunAsync("dominfo", guest.Name), StringComparison.Ordinal);
        Outcome inFolder = (await site.RunAsync("restore", guest.Name, "--to", LabEnvironment.NewDirectory("folder")))
            .MustSucceed();
        Outcome definition = Assert.Single(await advice.TypeAsync(inFolder.Output, "tar -xOf"));
        Assert.Equal(guest.Name, XElement.Parse(definition.Output).Element("name")?.Value);
        Outcome again = (await site.RunAsync("restore", guest.Name, "--replace", guest.Name)).MustSucceed();
        _ = await advice.TypeAsync(again.Output, "virsh start --domain");
        await guest.WaitUntilReadyAsync();
        Assert.Equal("of the backup", await guest.RunAsync("cat /data/late"));
        Outcome running = (await site.RunAsync("restore", guest.Name, "--replace", guest.Name)).MustEndWith(2);
        _ = await advice.TypeAsync(running.Error, "virsh shutdown");
        await guest.WaitForStateAsync("shut off (shutdown)");
    }

    [LabFact]
    [Proves("disk: block device", "to the device again when it is named, or to a file")]
    public async Task A_block_device_of_a_lost_guest_is_overwritten_when_it_is_named_and_large_enough()
    {
        string backing = Path.Combine(LabEnvironment.NewDirectory("device"), "backing");
        await File.WriteAllBytesAsync(backing, new byte[8 << 20]);
        string device = (await RunningProgram.RunAsync("losetup", "--find", "--show", backing))
            .MustSucceed().Output.Trim();
        try
        {
            (await RunningProgram.RunAsync("qemu-io", "-f", "raw", "-c", "write -P 7 1M 3M", device)).MustSucceed();
            await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("on device"));
            await Virsh.RunAsync(
                "attach-disk", guest.Name, device, "vdb", "--sourcetype", "block", "--subdriver", "raw", "--config");
            BackupSite site = new((guest.Name, "rotate: 1"));
            _ = await site.BackUpAsync(guest.Name);
            string before = Folder.Checksum(device);
            await guest.UndefineAsync();
            await guest.DeleteDisksAsync();
            (await RunningProgram.RunAsync("qemu-io", "-f", "raw", "-c", "write -P 9 0 8M", device)).MustSucceed();
            string others = Folder.Checksum(device);

            Outcome unnamed = (await site.RunAsync("restore", guest.Name, "--define")).MustEndWith(2);
            Assert.Contains($"--replace-device {device}", unnamed.Error, StringComparison.Ordinal);
            await File.WriteAllBytesAsync(backing + ".small", new byte[4 << 20]);
            (await RunningProgram.RunAsync("losetup", "--detach", device)).MustSucceed();
            (await RunningProgram.RunAsync("losetup", device, backing + ".small")).MustSucceed();
            Outcome small = (await site.RunAsync("restore", guest.Name, "--define", "--replace-device", device))
                .MustEndWith(2);
            Assert.Contains("enlarge the device", small.Error, StringComparison.Ordinal);
            (await RunningProgram.RunAsync("losetup", "--detach", device)).MustSucceed();
            (await RunningProgram.RunAsync("losetup", device, backing)).MustSucceed();
            Assert.Equal(others, Folder.Checksum(device));
            (await site.RunAsync("restore", guest.Name, "--define", "--replace-device", device)).MustSucceed();

            Assert.Equal(before, Folder.Checksum(device));
            Assert.True(await Virsh.ExistsAsync(guest.Name));
        }
        finally
        {
            _ = await RunningProgram.RunAsync("losetup", "--detach", device);
        }
    }

    private static async Task SaveAsync(LabGuest guest, string text)
    {
        await guest.WriteFileAsync("/data/late", System.Text.Encoding.UTF8.GetBytes(text));
        await Virsh.RunAsync("managedsave", guest.Name);
    }

    private static async Task AssertResumesAsync(LabGuest guest, BackupSite site, string disk, string text)
    {
        Assert.Empty(site.JournalEntries);
        Assert.DoesNotContain(
            Directory.GetFiles(guest.DirectoryPath!), file =>
                Path.GetFileName(file).StartsWith("kvmbackup.", StringComparison.Ordinal));
        await guest.BootAsync();
        Assert.Equal(Restored, await guest.StateAndReasonAsync());
        Assert.Equal("remembered\n", await guest.RunAsync("cat /run/token"));
        Assert.Equal(text, await guest.RunAsync("cat /data/late"));
        Assert.Equal(disk, await guest.SourceOfAsync("vda"));
        Assert.Equal(disk, Virsh.SourcesIn(await guest.InactiveXmlAsync())["vda"]);
    }
}
