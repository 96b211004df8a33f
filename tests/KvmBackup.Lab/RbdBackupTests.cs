using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Guests with disks in a Ceph cluster and in files: one point in time, increments, and their
/// restore.</summary>
[Trait("Needs", "Ceph")]
public sealed class RbdBackupTests
{
    private const string Chains = "rotate: 9, quiesce: require, full_every: {points: 4}";

    /// <summary>Full, increments, a resize, an interrupted run and retention, while the guest writes.</summary>
    [LabFact(Timeout = 900_000)]
    public async Task Every_backup_of_a_guest_on_a_file_and_an_image_is_restored_without_a_torn_pair()
    {
        LabRbdImage image = new("pairs");
        await using LabGuest guest = await StartPairAsync("two-kinds", image);
        BackupSite site = new((guest.Name, "rotate: 5, quiesce: require, full_every: {points: 3}"));
        string[] kinds =
            ["full", "incremental", "incremental", "full", "incremental", "incremental", "full", "incremental"];
        foreach ((int number, string kind) in kinds.Index())
        {
            await guest.WaitForPairAsync();
            if (number == 2)
            {
                await LabCeph.RbdAsync("resize", "--no-progress", "--size", "96M", image.Specification);
            }

            if (number == 5)
            {
                await InterruptAsync(site);
            }

            JsonElement backup = (await site.BackUpAsync(guest.Name)).GetProperty("backup");
            Assert.Equal(kind, backup.GetProperty("kind").GetString());
            Assert.Equal("filesystem", backup.GetProperty("consistency").GetString());
            Assert.Equal(
                SnapshotOf(site.BackupDirectories(guest.Name)[^1]),
                Assert.Single(await LabCeph.SnapshotsAsync(image)).Name);
        }

        // Five, and the full one that the oldest of them depends on.
        Assert.Equal(
            ["full", "incr", "incr", "full", "incr"],
            site.BackupDirectories(guest.Name).Select(path => path.Split('-')[^1]));
        (await site.RunAsync("verify", "--all")).MustSucceed();
        List<string> numbers = [];
        foreach (string id in site.BackupIds(guest.Name))
        {
            await using (LabGuest inFile = await RestoreCopyAsync(site, guest, id, LabEnvironment.NewDirectory("copy")))
            {
                numbers.Add(await ReadPairAsync(inFile));
            }

            await using LabGuest inCluster = await RestoreCopyAsync(site, guest, id, "rbd:rbd");
            Assert.Equal(numbers[^1], await ReadPairAsync(inCluster));
            await inCluster.DestroyAsync();
            await LabCeph.RemoveAsync(new LabRbdImage(inCluster.Name + "-vda"));
            await LabCeph.RemoveAsync(new LabRbdImage(inCluster.Name + "-vdb"));
        }

        Assert.Equal(5, numbers.Distinct().Count());
    }

    [LabFact]
    public async Task A_full_backup_is_unpacked_by_tar_and_an_increment_is_applied_by_plain_rbd()
    {
        LabRbdImage image = new("plain");
        LabRbdImage copy = new("plain-copy");
        await using LabGuest guest = await StartPairAsync("plain-tools", image);
        BackupSite site = new((guest.Name, Chains));
        _ = await site.BackUpAsync(guest.Name);
        string full = site.BackupDirectories(guest.Name)[^1];
        string fullFolder = await UnpackAsync(site, guest);
        await LabCeph.ImportAsync(Path.Combine(fullFolder, "vdb.raw"), copy);
        await LabCeph.RbdAsync("snap", "create", "--no-progress", copy.At(SnapshotOf(full)));
        await guest.WriteFileAsync("/disk/vdb/later", new byte[300_000]);
        _ = await site.BackUpAsync(guest.Name);
        string increment = site.BackupDirectories(guest.Name)[^1];

        string changes = Path.Combine(await UnpackAsync(site, guest), "vdb.rbddiff");
        await LabCeph.RbdAsync("import-diff", "--no-progress", changes, copy.Specification);

        Assert.EndsWith("-incr", increment, StringComparison.Ordinal);
        string expected = Path.Combine(LabEnvironment.NewDirectory("expected"), "image");
        string found = Path.Combine(LabEnvironment.NewDirectory("found"), "image");
        await LabCeph.ExportAsync(image.At(SnapshotOf(increment)), expected);
        await LabCeph.ExportAsync(copy.Specification, found);
        Assert.Equal(Folder.Checksum(expected), Folder.Checksum(found));
        await LabCeph.RemoveAsync(copy);
    }

    [LabFact]
    public async Task An_image_created_again_or_without_its_snapshot_gets_a_full_backup_with_a_warning()
    {
        LabRbdImage image = new("anew");
        await using LabGuest guest = await StartPairAsync("broken-chain", image);
        BackupSite site = new((guest.Name, Chains));
        _ = await site.BackUpAsync(guest.Name);
        await LabCeph.RbdAsync(
            "snap", "rm", "--no-progress", image.At(SnapshotOf(site.BackupDirectories(guest.Name)[^1])));

        JsonElement job = await site.BackUpAsync(guest.Name);

        Assert.Equal("full", job.GetProperty("backup").GetProperty("kind").GetString());
        Assert.Contains(
            "is missing from the cluster", job.GetProperty("warnings").ToString(), StringComparison.Ordinal);
    }

    private static Task<LabGuest> StartPairAsync(string name, LabRbdImage image) =>
        LabGuest.StartAsync(new LabGuestSpecification(name)
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Rbd = image }],
            PairDisks = ("vda", "vdb"),
        });

    /// <summary>A run that is interrupted while it reads the image.</summary>
    private static async Task InterruptAsync(BackupSite site)
    {
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Read:vda", "run");
        await paused.SignalAsync("TERM");
        await paused.SignalAsync("CONT");
        (await paused.WaitAsync(TimeSpan.FromMinutes(1))).MustEndWith(143);
    }

    private static async Task<LabGuest> RestoreCopyAsync(BackupSite site, LabGuest guest, string id, string to)
    {
        LabGuest copy = LabGuest.Attach($"{guest.Name}-{id}");
        (await site.RunAsync("restore", $"{guest.Name}@{id}", "--as", copy.Name, "--to", to, "--start")).MustSucceed();
        await copy.WaitUntilReadyAsync();
        return copy;
    }

    /// <summary>The number on both disks.</summary>
    private static async Task<string> ReadPairAsync(LabGuest copy)
    {
        (string first, string second) = await copy.FoundPairAsync();
        Assert.Equal(first, second);
        Assert.Equal(10, first.Length);
        return first;
    }

    /// <summary>Unpacks the newest archive with tar, and returns the folder of the members.</summary>
    private static async Task<string> UnpackAsync(BackupSite site, LabGuest guest)
    {
        string folder = LabEnvironment.NewDirectory("unpacked");
        (await RunningProgram.RunAsync("tar", "-C", folder, "-xf", site.NewestArchive(guest.Name))).MustSucceed();
        return Path.Combine(folder, guest.Name);
    }

    private static string SnapshotOf(string backupDirectory)
    {
        using JsonDocument manifest = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(backupDirectory, "manifest.json")));
        return manifest.RootElement.GetProperty("disks").EnumerateArray()
            .Single(disk => disk.GetProperty("target").GetString() == "vdb")
            .GetProperty("image").GetProperty("snapshot").GetString()!;
    }
}
