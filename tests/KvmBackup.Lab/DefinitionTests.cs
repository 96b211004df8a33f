using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Disks that are only in the live or only in the inactive definition.</summary>
public sealed class DefinitionTests
{
    [LabFact]
    [Proves("disk: of the running guest or the next start only", "backed up, in the restored definition")]
    public async Task Disks_of_one_definition_are_backed_up_and_the_restored_guest_has_them_all()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("attached"));
        string live = await AddAsync(guest, "vdc", "--live");
        string next = await AddAsync(guest, "vdd", "--config");
        BackupSite site = new((guest.Name, "rotate: 3"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        JsonElement job = await site.BackUpAsync(guest.Name);

        string[] warnings = [.. job.GetProperty("warnings").EnumerateArray().Select(warning => warning.GetString()!)];
        Assert.Contains(warnings, warning =>
            warning.StartsWith($"disk vdc ({live} (qcow2)) is attached to the running", StringComparison.Ordinal));
        Assert.Contains(warnings, warning =>
            warning.StartsWith($"disk vdd ({next} (qcow2)) is in the definition", StringComparison.Ordinal));
        await before.AssertUnchangedAsync(site);

        (await site.RunAsync("restore", guest.Name, "--as", "attached-copy", "--start")).MustSucceed();
        await using LabGuest copy = LabGuest.Attach("attached-copy");
        await copy.WaitUntilReadyAsync();
        Assert.Equal(
            ["vda", "vdc", "vdd"], Virsh.SourcesIn(await copy.InactiveXmlAsync()).Keys.Order(StringComparer.Ordinal));
    }

    [LabFact]
    public async Task A_disk_with_different_definitions_is_refused_until_the_advice_is_followed()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("changed")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb")],
        });
        await Virsh.RunAsync("detach-disk", guest.Name, "vdb", "--config");
        string other = await AddAsync(guest, "vdb", "--config", "other");
        BackupSite site = new((guest.Name, "rotate: 3"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        foreach (string[] command in new[] { new[] { "run" }, ["run", "--dry-run"], ["check"] })
        {
            Outcome refused = await site.RunAsync(command);
            Assert.NotEqual(0, refused.ExitCode);
            Assert.NotEqual(5, refused.ExitCode);
            string printed = string.Join(
                ' ', (refused.Output + refused.Error).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            Assert.Contains("disk vdb is ", printed, StringComparison.Ordinal);
            Assert.Contains(
                $"and {other} (qcow2) in the definition for the next start", printed, StringComparison.Ordinal);
        }

        await before.AssertUnchangedAsync(site);

        // The message advises a restart.
        await guest.ShutdownAsync();
        await guest.BootAsync();
        _ = await site.BackUpAsync(guest.Name);
    }

    [LabFact]
    public async Task A_disk_only_in_the_live_definition_loses_no_data_when_the_guest_ends()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("ended"));
        string live = await AddAsync(guest, "vdc", "--live");
        BackupSite site = new((guest.Name, "rotate: 3"));
        foreach (bool isKilled in new[] { false, true })
        {
            await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
            await guest.DestroyAsync();
            await paused.SignalAsync(isKilled ? "KILL" : "CONT");
            _ = await paused.WaitAsync(TimeSpan.FromMinutes(1));
            if (isKilled)
            {
                (await site.RunAsync("--wait", "60", "recover")).MustSucceed();
            }

            Assert.Empty(Directory.GetFiles(guest.DirectoryPath!, "kvmbackup.*"));
            Assert.Empty(site.JournalEntries);
            await guest.StartAgainAsync();
            await Virsh.RunAsync("attach-disk", guest.Name, live, "vdc", "--subdriver", "qcow2", "--live");
        }
    }

    [LabFact]
    public async Task A_raw_disk_of_the_next_start_is_refused_while_another_guest_writes_to_it()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("idle-disk"));
        await using LabGuest writer = await LabGuest.StartAsync(new LabGuestSpecification("idle-disk-writer"));
        string disk = Path.Combine(guest.DirectoryPath!, "vdb,1.raw");
        (await RunningProgram.RunAsync("truncate", "--size", "4M", disk)).MustSucceed();
        await Virsh.RunAsync("attach-disk", writer.Name, disk, "vdb", "--subdriver", "raw", "--live");
        await Virsh.RunAsync("attach-disk", guest.Name, disk, "vdb", "--subdriver", "raw", "--config");
        BackupSite site = new((guest.Name, "rotate: 3"));
        DateTime writtenAt = File.GetLastWriteTimeUtc(disk);

        string message = (await site.RunAsync("run")).MustEndWith(1).Output;

        Assert.Contains("disk vdb (", message, StringComparison.Ordinal);
        Assert.Contains("open for writing", message, StringComparison.Ordinal);
        Assert.Equal(writtenAt, File.GetLastWriteTimeUtc(disk));
        Assert.Empty(site.BackupIds(guest.Name));

        // The writer still has its lock.
        await writer.RunAsync("printf kept | dd of=/dev/vdb conv=fsync");
        await writer.DestroyAsync();
        _ = await site.BackUpAsync(guest.Name);
        Assert.Equal("kept", (await File.ReadAllTextAsync(disk))[..4]);
    }

    /// <summary>Creates an image and attaches it to one definition.</summary>
    private static async Task<string> AddAsync(LabGuest guest, string target, string where, string? name = null)
    {
        string path = Path.Combine(guest.DirectoryPath!, $"{name ?? target}.qcow2");
        await LabImage.CreateAsync(new LabDisk(target), path);
        await Virsh.RunAsync("attach-disk", guest.Name, path, target, "--subdriver", "qcow2", where);
        return path;
    }
}
