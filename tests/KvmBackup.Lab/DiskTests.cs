using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Selection of disks, the report of skipped ones, and special names.</summary>
public sealed class DiskTests
{
    [LabFact]
    [Proves("disk: shareable, read-only, CD-ROM, floppy", "left out and reported")]
    public async Task Disks_that_cannot_be_copied_consistently_are_skipped_and_reported()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("kinds of disks")
        {
            Disks =
            [
                new LabDisk("vda"),
                new LabDisk("vdb") { Format = "raw" },
                new LabDisk("vdc") { Format = "raw", IsShareable = true },
                new LabDisk("vdd") { IsReadOnly = true },
                new LabDisk("vde"),
                new LabDisk("sda") { Format = "raw", Device = "cdrom", IsReadOnly = true },
                new LabDisk("sdb") { Format = "raw", Device = "cdrom", IsReadOnly = true, IsEmpty = true },
                new LabDisk("fda") { Format = "raw", Device = "floppy", SizeBytes = 1_474_560 },
            ],
        });
        BackupSite site = new((guest.Name, "rotate: 2, disks: {exclude: [vde]}"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        JsonElement job = await site.BackUpAsync(guest.Name);

        await before.AssertUnchangedAsync(site);
        Assert.Equal(["vda", "vdb"], Strings(job.GetProperty("backup").GetProperty("disks")));
        JsonElement shown = (await site.ReportAsync("show", guest.Name)).GetProperty("details");
        Dictionary<string, string> skipped = shown.GetProperty("skipped_disks").EnumerateArray().ToDictionary(
            disk => disk.GetProperty("disk").GetString()!, disk => disk.GetProperty("reason").GetString()!);
        Assert.Equal(["fda", "sda", "sdb", "vdc", "vdd", "vde"], skipped.Keys.Order());
        Assert.StartsWith("a floppy drive", skipped["fda"], StringComparison.Ordinal);
        Assert.StartsWith("a cdrom drive", skipped["sda"], StringComparison.Ordinal);
        Assert.Equal("a cdrom drive (empty)", skipped["sdb"]);
        Assert.StartsWith("shareable", skipped["vdc"], StringComparison.Ordinal);
        Assert.StartsWith("read-only", skipped["vdd"], StringComparison.Ordinal);
        Assert.Equal("excluded in the configuration", skipped["vde"]);

        // A disk with data that is in no backup is reported each time.
        Assert.Contains(
            Strings(job.GetProperty("warnings")), warning => warning.Contains("vdc", StringComparison.Ordinal));
    }

    [LabFact]
    [Proves("disk: lun, NVMe, folder, without snapshots", "refused or reported by name")]
    public async Task Disks_that_are_no_image_or_are_left_out_of_snapshots_are_reported_by_name()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("odd-disks"));
        string folder = LabEnvironment.NewDirectory("shared");
        string image = Path.Combine(guest.DirectoryPath!, "vdc.raw");
        await LabImage.CreateAsync(new LabDisk("vdc") { Format = "raw", SizeBytes = 1 << 20 }, image);
        await AttachAsync(
            guest, "vdb", $"type='dir'><driver name='qemu' type='fat'/><source dir='{folder}'/><readonly/>");
        await AttachAsync(guest, "vdc", $"type='file' snapshot='no'><driver type='raw'/><source file='{image}'/>");
        await guest.BootAsync();
        BackupSite site = new((guest.Name, "rotate: 2"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        JsonElement job = await site.BackUpAsync(guest.Name);

        await before.AssertUnchangedAsync(site);
        Assert.Equal(["vda", "vdc"], Strings(job.GetProperty("backup").GetProperty("disks")));
        string warnings = job.GetProperty("warnings").ToString();
        Assert.Contains("disk vdb is not in this backup: a folder of this host", warnings, StringComparison.Ordinal);
        Assert.Contains("disk vdc has snapshot='no'", warnings, StringComparison.Ordinal);

        await AttachAsync(
            guest, "vdd",
            "type='network'><driver type='raw'/><source protocol='nbd' name='a'><host name='localhost'/></source>");
        await AttachAsync(
            guest, "vde",
            "type='nvme'><driver type='raw'/><source type='pci' managed='yes' namespace='1'><address domain='0x0000' "
                + "bus='0x01' slot='0x00' function='0x0'/></source>");
        string refused = (await site.RunAsync("backup", guest.Name)).MustEndWith(1).Output;
        Assert.Contains("disk vdd is a network disk of the protocol nbd", refused, StringComparison.Ordinal);
        Assert.Contains("disk vde is an NVMe device", refused, StringComparison.Ordinal);
    }

    private static async Task AttachAsync(LabGuest guest, string target, string disk)
    {
        string path = Path.Combine(LabEnvironment.NewDirectory("device"), "disk.xml");
        await File.WriteAllTextAsync(path, $"<disk device='disk' {disk}<target dev='{target}' bus='virtio'/></disk>");
        await Virsh.RunAsync("attach-device", guest.Name, path, "--config");
    }

    [LabFact]
    public async Task Blanks_commas_quotes_and_umlauts_in_names_are_preserved()
    {
        string folder = Path.Combine(LabEnvironment.ImagesPath, "a, \"b\" & 'c'");
        Directory.CreateDirectory(folder);
        string image = Path.Combine(folder, "größe,file=x 'q'.qcow2");
        await LabImage.CreateAsync(new LabDisk("vda"), image);
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("web 1, ä & 'ö'")
        {
            Disks = [new LabDisk("vda") { ExistingPath = image }],
        });
        await guest.WriteFileAsync("/data/kept", "odd"u8.ToArray());
        BackupSite site = new((guest.Name, "rotate: 2"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        _ = await site.BackUpAsync(guest.Name);
        await before.AssertUnchangedAsync(site);
        Assert.Equal([image], Directory.GetFiles(folder));
        await guest.DestroyAsync();
        await guest.UndefineAsync();
        File.Delete(image);
        (await site.RunAsync("restore", guest.Name, "--start")).MustSucceed();
        await guest.WaitUntilReadyAsync();

        Assert.Equal("odd", await guest.RunAsync("cat /data/kept"));
        Assert.Equal(image, await guest.SourceOfAsync("vda"));
    }

    [LabFact]
    public async Task A_guest_without_disks_to_back_up_is_a_reported_failure()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("diskless")
        {
            Disks = [new LabDisk("sda") { Format = "raw", Device = "cdrom", IsReadOnly = true, IsEmpty = true }],
        });
        BackupSite site = new((guest.Name, "rotate: 2"));

        Outcome outcome = (await site.RunAsync("backup", guest.Name)).MustEndWith(1);

        Assert.Contains("no disk that can be backed up", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("sda: a cdrom drive (empty)", outcome.Output, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Strings(JsonElement array) =>
        array.EnumerateArray().Select(element => element.GetString()!);
}
