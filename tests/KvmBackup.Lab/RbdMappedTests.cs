using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Guests with images that the kernel maps: backed up like images, and restored with the same
/// definition.</summary>
[Trait("Needs", "Ceph")]
public sealed class RbdMappedTests
{
    private const string Keyring = "/etc/ceph/ceph.client.kvmbackup.keyring";
    private const string Keys =
        $"rotate: 9, quiesce: require, full_every: {{points: 9}}, ceph: {{user: kvmbackup, keyring: {Keyring}}}";

    [LabFact]
    [Proves("disk: RBD, mapped by the kernel", "from the cluster, with increments")]
    public async Task A_guest_on_a_file_and_a_mapped_image_is_backed_up_from_the_cluster_and_restored()
    {
        await LabCeph.EnsureStartedAsync();
        await using LabKernelDriver driver = await LabKernelDriver.StartAsync();
        LabRbdImage image = new("mapped");
        await using LabGuest guest = await DefineAsync("on-a-map", image);
        int number = await driver.MapAsync(image);
        await guest.BootAsync();
        IReadOnlyDictionary<string, string> before = Virsh.SourcesIn(await guest.LiveXmlAsync());
        BackupSite site = new((guest.Name, Keys));

        JsonElement full = await site.BackUpAsync(guest.Name);
        await guest.WriteFileAsync("/disk/vdb/kept", "of the increment"u8.ToArray());
        JsonElement increment = await site.BackUpAsync(guest.Name);

        Assert.Equal(("full", "incremental"), (KindOf(full), KindOf(increment)));
        Assert.Equal(before, Virsh.SourcesIn(await guest.LiveXmlAsync()));
        Assert.Equal(
            ["kvmbackup"], (await LabCeph.SnapshotsAsync(image)).Select(snapshot => snapshot.Name.Split('.')[0]));
        Assert.Contains(
            image.Specification, (await site.ReportAsync("snapshots", "list")).ToString(), StringComparison.Ordinal);
        await AssertRestoredInFilesAsync(site, guest);
        await AssertRestoredInClusterAsync(site, guest, driver);

        // The image of a guest that is shut off is not mapped any more; it is found by its path.
        await guest.ShutdownAsync();
        await driver.UnmapAsync(number);
        JsonElement offline = await site.BackUpAsync(guest.Name);
        Assert.Equal(("incremental", "offline"),
            (KindOf(offline), offline.GetProperty("backup").GetProperty("consistency").GetString()));
    }

    [LabFact]
    public async Task An_image_of_another_ID_is_not_taken_for_the_mapped_one()
    {
        await LabCeph.EnsureStartedAsync();
        await using LabKernelDriver driver = await LabKernelDriver.StartAsync();
        LabRbdImage image = new("impostor");
        await using LabGuest guest = await DefineAsync("deceived", image);
        int number = await driver.MapAsync(image);
        await File.WriteAllTextAsync(LabKernelDriver.EntryOf(number, "image_id"), "another\n");
        BackupSite site = new((guest.Name, Keys));

        Outcome run = (await site.RunAsync("run")).MustEndWith(1);

        Assert.Contains(
            "is the image with the ID another, but in the cluster rbd/impostor has the ID", run.Output + run.Error,
            StringComparison.Ordinal);

        // It lists nothing here: rbd reads the list of udev, which accepts devices of a real sysfs only.
        _ = await new TypedAdvice(site).TypeAsync(run.Output, "rbd device list");
        Assert.Empty(await LabCeph.SnapshotsAsync(image));
    }

    private static Task<LabGuest> DefineAsync(string name, LabRbdImage image) =>
        LabGuest.DefineAsync(new LabGuestSpecification(name)
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Rbd = image, IsMapped = true }],
            PairDisks = ("vda", "vdb"),
        });

    private static async Task AssertRestoredInFilesAsync(BackupSite site, LabGuest guest)
    {
        await using LabGuest copy = LabGuest.Attach($"{guest.Name}-files");
        (await site.RunAsync("restore", guest.Name, "--as", copy.Name, "--to", LabEnvironment.NewDirectory("copy"),
            "--start")).MustSucceed();
        await AssertCompleteAsync(copy);
    }

    private static async Task AssertRestoredInClusterAsync(BackupSite site, LabGuest guest, LabKernelDriver driver)
    {
        await using LabGuest copy = LabGuest.Attach($"{guest.Name}-images");
        string[] restore = ["restore", guest.Name, "--as", copy.Name, "--to", "rbd:rbd"];
        LabRbdImage vdb = new($"{copy.Name}-vdb");
        Outcome refused = (await site.RunAsync([.. restore, "--start"])).MustEndWith(2);
        string map = $"rbd --id kvmbackup --keyring {Keyring} map {vdb.Specification}";
        Assert.Contains($"then map it: `{map}`", refused.Error, StringComparison.Ordinal);
        Assert.False(await LabCeph.ExistsAsync(vdb));

        Outcome restored = (await site.RunAsync([.. restore, "--define"])).MustSucceed();
        Assert.Contains($"before the guest starts: `{map}`", restored.Output, StringComparison.Ordinal);
        await AssertReachesKernelAsync(map);
        int number = await driver.MapAsync(vdb);
        _ = await new TypedAdvice(site).TypeAsync(refused.Error, "virsh start");
        await AssertCompleteAsync(copy);
        Assert.Equal(LabKernelDriver.PathOf(vdb), await copy.SourceOfAsync("vdb"));
        await copy.DestroyAsync();
        await driver.UnmapAsync(number);
        await LabCeph.RemoveAsync(vdb);
        await LabCeph.RemoveAsync(new LabRbdImage($"{copy.Name}-vda"));
    }

    /// <summary>The command finds the image, and fails only because the kernel has no driver.</summary>
    private static async Task AssertReachesKernelAsync(string command)
    {
        Outcome outcome = await RunningProgram.RunAsync("sh", "-c", command);
        Assert.Contains("rbd: sysfs write failed", outcome.Error, StringComparison.Ordinal);
    }

    private static async Task AssertCompleteAsync(LabGuest copy)
    {
        await copy.WaitUntilReadyAsync();
        Assert.True(await copy.HasPairsIntactAsync());
        Assert.Equal("of the increment", await copy.RunAsync("cat /disk/vdb/kept"));
    }

    private static string KindOf(JsonElement job) => job.GetProperty("backup").GetProperty("kind").GetString()!;
}
