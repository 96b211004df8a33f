using System.Diagnostics;
using System.Globalization;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>The lab's Ceph cluster behaves as the tests of RBD disks require.</summary>
[Trait("Needs", "Ceph")]
public sealed class LabCephTests
{
    private const string SnapshotName = "lab";

    [LabFact]
    public async Task A_guest_writes_pairs_across_a_file_and_an_rbd_image()
    {
        LabRbdImage image = new("pair");
        await using LabGuest guest = await StartPairAsync("file and image", image);
        await guest.WriteFileAsync("/disk/vdb/greeting", "hello, cluster"u8.ToArray());
        await guest.WaitForPairAsync();

        await guest.DestroyAsync();
        await guest.BootAsync();

        Assert.Equal("hello, cluster", await guest.RunAsync("cat /disk/vdb/greeting"));
        (string first, string second) = await guest.FoundPairAsync();
        Assert.Equal(10, first.Length);
        Assert.Equal(10, second.Length);
        Assert.Equal("rbd:rbd/pair", await guest.SourceOfAsync("vdb"));
    }

    [LabFact]
    public async Task Snapshots_taken_in_a_freeze_contain_a_complete_pair()
    {
        LabRbdImage image = new("frozen pair");
        await using LabGuest guest = await StartPairAsync("frozen", image);
        await guest.WriteFileAsync("/disk/vdb/greeting", "hello, snapshot"u8.ToArray());
        await guest.WaitForPairAsync();

        await Virsh.RunAsync("domfsfreeze", guest.Name);
        await PinAsync(guest, image);
        await Virsh.RunAsync("domfsthaw", guest.Name);
        string later = await guest.RunAsync("sleep 0.8; cat \"$PAIR_B\"");
        (string First, string Second) pair = await ReadPinnedPairAsync(guest, image);

        Assert.Equal(10, pair.First.Length);
        Assert.Equal(pair.First, pair.Second);
        Assert.NotEqual(later.Trim(), pair.Second);
        Assert.Equal("hello, snapshot", await ReadExportedAsync(image, "greeting"));
    }

    [LabFact]
    public async Task Snapshots_taken_without_a_freeze_contain_torn_pairs()
    {
        LabRbdImage image = new("torn pair");
        await using LabGuest guest = await StartPairAsync("torn", image);
        await guest.WaitForPairAsync();
        List<(string First, string Second)> pairs = [];

        while (pairs.Count < 8 && pairs.All(pair => pair.First == pair.Second))
        {
            await PinAsync(guest, image);
            pairs.Add(await ReadPinnedPairAsync(guest, image));
            await LabCeph.RbdAsync("snap", "rm", "--no-progress", image.At(SnapshotName));
            await CommitAsync(guest);
        }

        Assert.True(pairs.Exists(pair => pair.First != pair.Second), $"none is torn: {string.Join(", ", pairs)}");
    }

    [LabFact]
    public async Task A_paused_cluster_blocks_its_clients_until_it_resumes()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("paused")
        {
            Disks = [new LabDisk("vda") { Rbd = new LabRbdImage("paused") }],
        });
        await guest.WaitForPairAsync();
        long writesBefore = 0;

        await LabCeph.WhilePausedAsync(async () =>
        {
            await using RunningProgram list = RunningProgram.Start("rbd", ["ls", LabCeph.Pool]);
            await Task.Delay(TimeSpan.FromSeconds(0.5));
            writesBefore = await WritesAsync(guest);
            await Assert.ThrowsAsync<TimeoutException>(() => list.WaitAsync(TimeSpan.FromSeconds(2)));
            Assert.Equal(writesBefore, await WritesAsync(guest));
        });

        Assert.Contains("paused\n", await LabCeph.RbdAsync("ls", LabCeph.Pool), StringComparison.Ordinal);
        Stopwatch clock = Stopwatch.StartNew();
        while (await WritesAsync(guest) == writesBefore)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), "the guest does not continue");
            await Task.Delay(50);
        }
    }

    [LabFact]
    public async Task A_restarted_cluster_keeps_its_data_and_clients()
    {
        LabRbdImage image = new("kept");
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("kept") { Disks = [new LabDisk("vda") { Rbd = image }] });
        await guest.WriteFileAsync("/data/kept", "still here"u8.ToArray());

        await LabCeph.StopAsync();
        await LabCeph.EnsureStartedAsync();

        Assert.Equal("still here", await guest.RunAsync("echo 3 >/proc/sys/vm/drop_caches; cat /data/kept"));
        await guest.WriteFileAsync("/data/later", "goes on"u8.ToArray());
        await LabCeph.RbdAsync("snap", "create", "--no-progress", image.At(SnapshotName));
        Assert.Equal("goes on", await ReadExportedAsync(image, "later"));
    }

    [LabFact]
    public async Task A_running_cluster_is_not_started_again()
    {
        await LabCeph.EnsureStartedAsync();
        Stopwatch clock = Stopwatch.StartNew();

        Outcome again = await RunningProgram.RunAsync("bash", LabEnvironment.ScriptPath, "start-ceph");

        Assert.Equal("", again.MustSucceed().Output + again.Error);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(2), $"it took {clock.Elapsed}");
    }

    [LabFact]
    public async Task The_images_of_a_guest_are_removed_with_it_and_their_snapshots_too()
    {
        LabRbdImage image = new("going");
        await using (LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("going") { Disks = [new LabDisk("vda") { Rbd = image }] }))
        {
            await LabCeph.RbdAsync("snap", "create", "--no-progress", image.At("one"));
            await LabCeph.RbdAsync("snap", "create", "--no-progress", image.At("two"));
            await LabCeph.RbdAsync("snap", "protect", image.At("two"));
            IReadOnlyList<LabRbdSnapshot> snapshots = await LabCeph.SnapshotsAsync(image);

            Assert.Equal(["one", "two"], snapshots.Select(snapshot => snapshot.Name));
            Assert.Equal([false, true], snapshots.Select(snapshot => snapshot.IsProtected));
            Assert.All(snapshots, snapshot => Assert.Equal(64 << 20, snapshot.SizeBytes));
        }

        Assert.False(await LabCeph.ExistsAsync(image));
    }

    [LabFact]
    public async Task An_image_can_be_removed_while_a_killed_client_is_still_listed()
    {
        LabRbdImage image = new("killed");
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("killed") { Disks = [new LabDisk("vda") { Rbd = image }] });
        string pid = await File.ReadAllTextAsync($"/run/libvirt/qemu/{guest.Name}.pid");
        (await RunningProgram.RunAsync("kill", "-s", "KILL", pid.Trim())).MustSucceed();

        Stopwatch clock = Stopwatch.StartNew();

        await LabCeph.RemoveAsync(image);

        Assert.False(await LabCeph.ExistsAsync(image));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15), $"it took {clock.Elapsed}");
    }

    private static Task<LabGuest> StartPairAsync(string name, LabRbdImage image) =>
        LabGuest.StartAsync(new LabGuestSpecification(name)
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Rbd = image }],
            PairDisks = ("vda", "vdb"),
        });

    private static async Task PinAsync(LabGuest guest, LabRbdImage image)
    {
        // The second half first: the guest writes it later than the first, by about the start time of rbd, so that in
        // the other order nine pairs of ten would look complete without a freeze.
        await LabCeph.RbdAsync("snap", "create", "--no-progress", image.At(SnapshotName));
        await Virsh.RunAsync(
            "snapshot-create-as", guest.Name, "--disk-only", "--atomic", "--no-metadata", "lab",
            "--diskspec", "vda,snapshot=external", "--diskspec", "vdb,snapshot=no");
    }

    private static async Task CommitAsync(LabGuest guest)
    {
        string overlay = await guest.SourceOfAsync("vda");
        await Virsh.RunAsync("blockcommit", guest.Name, "vda", "--active", "--pivot");
        File.Delete(overlay);
    }

    private static async Task<(string First, string Second)> ReadPinnedPairAsync(LabGuest guest, LabRbdImage image)
    {
        string raw = Path.Combine(LabEnvironment.NewDirectory("pinned"), "vda");
        string pinned = Path.Combine(guest.DirectoryPath!, "vda.qcow2");
        (await RunningProgram.RunAsync("qemu-img", "convert", "-U", "-O", "raw", pinned, raw)).MustSucceed();
        return (await LabImage.ReadFileAsync(raw, "pair.a"), await ReadExportedAsync(image, "pair.b"));
    }

    private static async Task<string> ReadExportedAsync(LabRbdImage image, string file)
    {
        string raw = Path.Combine(LabEnvironment.NewDirectory("pinned"), "image");
        await LabCeph.ExportAsync(image.At(SnapshotName), raw);
        return await LabImage.ReadFileAsync(raw, file);
    }

    /// <summary>The completed writes of the guest's disk, as counted by QEMU.</summary>
    private static async Task<long> WritesAsync(LabGuest guest)
    {
        string line = (await Virsh.RunAsync("domblkstat", guest.Name, "vda"))
            .Split('\n').Single(text => text.Contains("wr_req", StringComparison.Ordinal));
        return long.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture);
    }
}
