using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Compares a backup with its source: a guest that is off, a running one, and an image without a
/// guest.</summary>
[Trait("Needs", "Ceph")]
public sealed class CompareTests
{
    [LabFact]
    public async Task Changes_are_found_on_every_kind_of_disk_and_nothing_is_left()
    {
        LabRbdImage image = new("compared");
        string template = Path.Combine(LabEnvironment.ImagesPath, "template to compare.qcow2");
        await LabImage.CreateAsync(new LabDisk("vda"), template);
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("compared")
        {
            Disks = [new("vda") { BackingPath = template }, new("vdb") { Format = "raw" }, new("vdc") { Rbd = image }],
            Workload = "none",
        });
        BackupSite site = new((guest.Name, "rotate: 9, full_every: 9, compression: zstd"));
        _ = await site.BackUpAsync(guest.Name);
        await WriteAsync(image, "write -P 3 5M 1M");
        Assert.Equal(
            "incremental", (await site.BackUpAsync(guest.Name)).GetProperty("backup").GetProperty("kind").GetString());
        string backups = Folder.Describe(site.BackupPath);
        IReadOnlyList<LabRbdSnapshot> snapshots = await LabCeph.SnapshotsAsync(image);

        JsonElement same = await site.ReportAsync("compare", guest.Name);

        Assert.Equal("offline", same.GetProperty("consistency").GetString());
        Assert.Equal(
            ["vda.qcow2", "vda.backing1.qcow2", "vdb.raw", "vdc.rbddiff"],
            Files(same).Select(file => Text(file, "file")));
        Assert.All(Files(same), file => Assert.Equal("same", Text(file, "verdict")));

        // An older backup, and a disk in a file that was written to.
        await WriteAsync(Path.Combine(guest.DirectoryPath!, "vdb.raw"), "write -P 9 1000003 100");
        JsonElement older = await site.ReportAsync(4, "compare", $"{guest.Name}@{site.BackupIds(guest.Name)[0]}");
        JsonElement raw = Files(older).Single(file => Text(file, "disk") == "vdb");
        JsonElement rbd = Files(older).Single(file => Text(file, "disk") == "vdc");
        Assert.Equal(
            ("different", 1000003), (Text(raw, "verdict"), raw.GetProperty("first_difference_bytes").GetInt64()));
        Assert.Equal(4096, raw.GetProperty("different_bytes").GetInt64());
        Assert.Equal(("different", 1 << 20), (Text(rbd, "verdict"), rbd.GetProperty("different_bytes").GetInt32()));
        Assert.Equal(5 << 20, rbd.GetProperty("differences")[0].GetProperty("offset_bytes").GetInt32());
        Outcome one = (await site.RunAsync("compare", guest.Name, "vda", "vdc")).MustSucceed();
        Assert.Contains($"the same as {guest.Name}, which was off", one.Output, StringComparison.Ordinal);

        Assert.Contains(
            "vdx", (await site.RunAsync("compare", guest.Name, "vdx")).MustEndWith(2).Error, StringComparison.Ordinal);
        Assert.Equal(backups, Folder.Describe(site.BackupPath));
        Assert.Equal(snapshots, await LabCeph.SnapshotsAsync(image));
        Assert.Empty(site.JournalEntries);
    }

    [LabFact]
    public async Task A_running_guest_is_compared_at_a_snapshot_and_always_released()
    {
        LabRbdImage image = new("compared-live");
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("compared-live")
        {
            Disks = [new("vda"), new("vdb") { Rbd = image }],
            PairDisks = ("vda", "vdb"),
        });
        BackupSite site = new((guest.Name, "rotate: 9, full_every: 9"));
        _ = await site.BackUpAsync(guest.Name);
        IReadOnlyList<LabRbdSnapshot> snapshots = await LabCeph.SnapshotsAsync(image);
        GuestFootprint footprint = await GuestFootprint.TakeAsync(guest);

        JsonElement report = await site.ReportAsync(4, "compare", guest.Name);

        Assert.Equal("filesystem", report.GetProperty("consistency").GetString());
        string[] verdicts = ["different", "different_size"];
        Assert.All(Files(report), file => Assert.Contains(Text(file, "verdict"), verdicts));
        await footprint.AssertUnchangedAsync(site);
        Assert.Equal(snapshots, await LabCeph.SnapshotsAsync(image));

        foreach (string step in new[] { "Snapshotted", "Read:vda" })
        {
            await guest.WriteFileAsync($"/data/{step}", "written before"u8.ToArray());
            await using RunningProgram paused = await PausedProgram.StartAsync(site, step, "compare", guest.Name);
            await paused.SignalAsync("KILL");
            (await site.RunAsync("--wait", "60", "recover")).MustSucceed();
            await footprint.AssertUnchangedAsync(site);
            Assert.Equal(snapshots, await LabCeph.SnapshotsAsync(image));
            Assert.Equal("written before", await guest.RunAsync($"cat /data/{step}"));
        }

        Assert.Single(site.BackupIds(guest.Name));
        Assert.Equal(
            "incremental", (await site.BackUpAsync(guest.Name)).GetProperty("backup").GetProperty("kind").GetString());
    }

    [LabFact]
    public async Task An_image_without_a_guest_is_compared_at_a_temporary_snapshot()
    {
        await using StandaloneImageSite lone = await StandaloneImageSite.CreateAsync("lone-compared");
        string name = StandaloneImages.NameOf(lone.Image);

        (await lone.Site.RunAsync("compare", name)).MustSucceed();
        await lone.ChangeAsync();
        Outcome changed = (await lone.Site.RunAsync("compare", name)).MustEndWith(4);

        Assert.Contains("image.raw: DIFFERENT", changed.Output, StringComparison.Ordinal);
        await lone.AssertIntactAsync("compare");
        await lone.AssertNextBackupSucceedsAsync("after compare");
    }

    private static async Task WriteAsync(LabRbdImage image, string command) =>
        await WriteAsync($"rbd:{image.Specification}", command);

    private static async Task WriteAsync(string disk, string command) =>
        (await RunningProgram.RunAsync("qemu-io", "-f", "raw", "-c", command, disk)).MustSucceed();

    private static JsonElement[] Files(JsonElement report) => [.. report.GetProperty("files").EnumerateArray()];

    private static string? Text(JsonElement file, string key) => file.GetProperty(key).GetString();
}
