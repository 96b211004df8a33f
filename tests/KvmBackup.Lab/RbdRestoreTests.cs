using System.Text.Json;
using System.Xml.Linq;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Restores from and into a cluster: every backup of every kind of disk, into images and into files.</summary>
[Trait("Needs", "Ceph")]
public sealed class RbdRestoreTests
{
    private const string Chains = "rotate: 9, full_every: {points: 8}";

    [LabFact]
    [Proves("disk: RBD", "at the same instant as files, with increments")]
    public async Task A_guest_that_lost_its_file_and_its_image_is_restored_in_place_and_boots()
    {
        LabRbdImage image = new("lost");
        await using LabGuest guest = await StartPairAsync("lost-both", image);
        BackupSite site = new((guest.Name, Chains));
        _ = await site.BackUpAsync(guest.Name);
        await guest.WriteFileAsync("/disk/vdb/kept", "of the increment"u8.ToArray());
        _ = await site.BackUpAsync(guest.Name);
        XElement before = await guest.InactiveXmlAsync();
        await guest.LoseAsync();

        (await site.RunAsync("restore", guest.Name, "--start")).MustSucceed();
        await guest.WaitUntilReadyAsync();

        Assert.True(await guest.HasPairsIntactAsync());
        Assert.Equal("of the increment", await guest.RunAsync("cat /disk/vdb/kept"));
        Assert.Equal(Virsh.SourcesIn(before), Virsh.SourcesIn(await guest.InactiveXmlAsync()));
        Assert.Equal(["lost"], await ImagesAsync("lost"));
        Assert.Empty(Directory.Exists(Path.Combine(site.StatePath, "keys"))
            ? Directory.GetFiles(Path.Combine(site.StatePath, "keys")) : []);

        // The next backup of the new image is full.
        Assert.Equal(
            "full", (await site.BackUpAsync(guest.Name)).GetProperty("backup").GetProperty("kind").GetString());
    }

    [LabFact]
    public async Task A_guest_in_files_and_an_image_moves_into_the_cluster_and_boots_there()
    {
        LabRbdImage image = new("mover");
        await using LabGuest guest = await StartPairAsync("mover", image, new LabDisk("vdc") { Format = "raw" });
        BackupSite site = new((guest.Name, Chains));
        await guest.WriteFileAsync("/disk/vdc/kept", "raw"u8.ToArray());
        _ = await site.BackUpAsync(guest.Name);
        _ = await site.BackUpAsync(guest.Name);

        foreach (string id in site.BackupIds(guest.Name))
        {
            await using LabGuest copy = LabGuest.Attach($"moved {id}");
            (await site.RunAsync("restore", $"{guest.Name}@{id}", "--as", copy.Name, "--to", "rbd:rbd", "--start"))
                .MustSucceed();
            await copy.WaitUntilReadyAsync();

            Assert.True(await copy.HasPairsIntactAsync());
            Assert.Equal("raw", await copy.RunAsync("cat /disk/vdc/kept"));
            Assert.Equal(
                ["rbd:rbd/" + copy.Name + "-vda", "rbd:rbd/" + copy.Name + "-vdb", "rbd:rbd/" + copy.Name + "-vdc"],
                Virsh.SourcesIn(await copy.InactiveXmlAsync()).Values);
            await copy.DestroyAsync();
            await RemoveAsync(copy.Name + "-vda", copy.Name + "-vdb", copy.Name + "-vdc");
        }
    }

    [LabFact]
    public async Task One_disk_of_any_kind_is_restored_into_an_image_without_a_configuration()
    {
        string template = Path.Combine(LabEnvironment.ImagesPath, "template of one.qcow2");
        await LabImage.CreateAsync(new LabDisk("vda"), template);
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("one@disk")
        {
            Disks =
            [
                new LabDisk("vda") { BackingPath = template }, new LabDisk("vdb") { Format = "raw" },
                new LabDisk("vdc") { Rbd = new LabRbdImage("one") },
            ],
        });
        string[] sources = [Path.Combine(guest.DirectoryPath!, "vda.qcow2"),
            Path.Combine(guest.DirectoryPath!, "vdb.raw"), "rbd:rbd/one"];
        (await RunningProgram.RunAsync("qemu-io", "-c", "write -P 7 1M 100k", sources[0])).MustSucceed();
        BackupSite site = new((guest.Name, Chains));
        _ = await site.BackUpAsync(guest.Name);
        await LabCeph.EnsureNamespaceAsync("restored");

        foreach ((string disk, string source) in new[] { "vda", "vdb", "vdc" }.Zip(sources))
        {
            LabRbdImage image = new("odd: na=me") { Namespace = "restored" };
            string[] words = ["restore", guest.Name, "--disk", disk, "--to", $"rbd:{image}"];
            (await Kvmbackup.RunAsync(["--backupdir", site.BackupPath, .. words])).MustSucceed();

            string copy = Path.Combine(LabEnvironment.NewDirectory("copy"), "raw");
            await LabCeph.ExportAsync(image.Specification, copy);
            (await RunningProgram.RunAsync("qemu-img", "compare", "-f", "raw", copy, source)).MustSucceed();
            Assert.InRange(await UsedBytesAsync(image), 1, 40 << 20);
            await LabCeph.RemoveAsync(image);
        }

        Assert.Empty(Directory.GetDirectories(Path.GetTempPath(), "kvmbackup-*"));
    }

    [LabFact]
    public async Task An_existing_image_is_replaced_only_when_it_is_named_and_unused()
    {
        LabRbdImage image = new("mine");
        await using LabGuest guest = await StartPairAsync("owner", image);
        BackupSite site = new((guest.Name, Chains));
        await guest.WriteFileAsync("/disk/vdb/kept", "first"u8.ToArray());
        _ = await site.BackUpAsync(guest.Name);
        await guest.WriteFileAsync("/disk/vdb/kept", "second"u8.ToArray());
        string[] back = ["restore", guest.Name, "--disk", "vdb", "--to", $"rbd:{image}"];
        string[] over = [.. back, "--replace-image", image.Specification];

        await AssertRefusedAsync(site, "the image rbd/mine exists", back);
        TypedAdvice advice = new(site);
        Outcome inUse = await AssertRefusedAsync(site, "the image rbd/mine is in use by", over);
        Outcome status = Assert.Single(await advice.TypeAsync(inUse.Error, "rbd status"));
        Assert.Contains("watcher=", status.Output, StringComparison.Ordinal);
        await AssertRefusedAsync(site, "--replace-image names rbd/yours, but this restore writes rbd/mine",
            [.. back, "--replace-image", "rbd/yours"]);
        await AssertRefusedAsync(
            site, "cannot all be written to the image rbd/new", "restore", guest.Name, "--to", "rbd:rbd/new");
        Outcome noPool = await AssertRefusedAsync(
            site, "pool 'nowhere'", "restore", guest.Name, "--to", "rbd:nowhere");
        Outcome existing = Assert.Single(await advice.TypeAsync(noPool.Error, "ceph osd pool ls"));
        Assert.Contains("rbd", existing.Output.Split('\n'));
        Assert.Equal("second", await guest.RunAsync("cat /disk/vdb/kept"));
        await guest.ShutdownAsync();
        Outcome snapshots = await AssertRefusedAsync(site, "snapshots, which would be deleted with it", over);
        _ = await advice.TypeAsync(snapshots.Error, "rbd snap ls");
        string rename = Assert.Single(
            TypedAdvice.CommandsIn(snapshots.Error), command => command.Contains(" rename ", StringComparison.Ordinal));
        _ = await advice.TypeAsync($"`{rename}`");
        await LabCeph.RbdAsync("rename", "rbd/mine.former", image.Specification);
        _ = await advice.TypeAsync(snapshots.Error, "rbd snap purge");

        JsonElement dryRun = await site.ReportAsync([.. over, "--dry-run"]);
        string[] planned = [.. dryRun.GetProperty("planned_actions").EnumerateArray()
            .Select(action => action.GetProperty("message").GetString()!)
            .Where(line => line.StartsWith("rbd ", StringComparison.Ordinal))];
        Assert.Equal(["create", "rename", "rename", "rm"],
            planned.Select(line => line.Split(' ').First(word => word is "create" or "rm" or "rename")));
        (await site.RunAsync(over)).MustSucceed();
        await guest.BootAsync();
        Assert.Equal("first", await guest.RunAsync("cat /disk/vdb/kept"));
        Assert.Equal(["mine"], await ImagesAsync("mine"));
    }

    [LabFact]
    public async Task An_interrupted_restore_leaves_no_image_and_after_a_killed_one_the_next_reports_what_to_do()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("half")
        {
            Disks = [Big("vda", "qcow2"), Big("vdb", "raw")],
        });
        BackupSite site = new((guest.Name, Chains));
        _ = await site.BackUpAsync(guest.Name);
        await LabCeph.EnsureStartedAsync();

        foreach (string disk in new[] { "vda", "vdb" })
        {
            await using RunningProgram running = await StartWritingAsync(site, guest, disk);
            await running.SignalAsync("TERM");
            await running.SignalAsync("CONT");
            (await running.WaitAsync(TimeSpan.FromMinutes(2))).MustEndWith(143);
            Assert.Empty(await ImagesAsync("half"));
        }

        await using (RunningProgram running = await StartWritingAsync(site, guest, "vdb"))
        {
            await running.SignalAsync("KILL");
        }

        Assert.Equal(["half-vdb.kvmbackup-partial"], await ImagesAsync("half"));
        Outcome refused = await AssertRefusedAsync(
            site, "an interrupted restore has left it", "restore", guest.Name, "--disk", "vdb", "--to", "rbd:rbd");
        await LabCeph.WaitUntilUnusedAsync("rbd/half-vdb.kvmbackup-partial");
        _ = await new TypedAdvice(site).TypeAsync(refused.Error, "rbd ");
        (await site.RunAsync("restore", guest.Name, "--disk", "vdb", "--to", "rbd:rbd")).MustSucceed();
        Assert.Equal(["half-vdb"], await ImagesAsync("half"));
        await RemoveAsync("half-vdb");
    }

    [LabFact]
    public async Task Unpacked_disks_of_a_killed_restore_are_removed_by_the_next_run()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(
            new LabGuestSpecification("unpacked") { Disks = [Big("vda", "qcow2")] });
        BackupSite site = new((guest.Name, Chains));
        _ = await site.BackUpAsync(guest.Name);
        await LabCeph.EnsureStartedAsync();
        string[] Left() => Directory.GetDirectories(Path.GetTempPath(), "kvmbackup-restore-*");
        foreach (string next in new[] { "recover", "restore" })
        {
            Interposer converting = new("case $1 in convert) kill -s STOP $PPID; exit 1 ;; esac", "qemu-img");
            await using RunningProgram running = converting.Start(
                site, "restore", guest.Name, "--disk", "vda", "--to", "rbd:rbd");
            await running.WaitUntilStoppedAsync("nothing was unpacked");
            (await site.RunAsync("recover")).MustSucceed();
            Assert.Single(Left());
            await running.SignalAsync("KILL");
            _ = await running.WaitAsync(TimeSpan.FromMinutes(1));

            string[] words = next == "recover" ? [next]
                : [next, guest.Name, "--to", LabEnvironment.NewDirectory("files")];
            Outcome outcome = (await site.RunAsync(words)).MustSucceed();

            Assert.Contains("left by a killed restore", outcome.Output + outcome.Error, StringComparison.Ordinal);
            Assert.Empty(Left());
            await RemoveAsync("unpacked-vda.kvmbackup-partial");
        }
    }

    private static LabDisk Big(string target, string format) => new(target)
    {
        Format = format,
        SizeBytes = 192 << 20,
        ContentDirectory = Folder.WithRandomFile("big", 120 << 20),
    };

    /// <summary>Starts a restore that is paused when its image exists: a qcow2 disk before it contains data, a raw one
    /// while it is written.</summary>
    private static async Task<RunningProgram> StartWritingAsync(BackupSite site, LabGuest guest, string disk)
    {
        Interposer interposer = disk == "vda" ? Interposer.StoppingAfter("create") : Interposer.StoppingWithinImport();
        RunningProgram running = interposer.Start(
            site, "restore", guest.Name, "--disk", disk, "--to", "rbd:rbd");
        await running.WaitUntilStoppedAsync("its image was not made");
        Assert.Equal([$"{guest.Name}-{disk}.kvmbackup-partial"], await ImagesAsync(guest.Name));
        return running;
    }

    private static async Task<Outcome> AssertRefusedAsync(BackupSite site, string because, params string[] words)
    {
        Outcome outcome = await site.RunAsync(words);
        Assert.Contains(because, outcome.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, outcome.ExitCode);
        return outcome;
    }

    private static async Task<long> UsedBytesAsync(LabRbdImage image)
    {
        using JsonDocument usage = JsonDocument.Parse(
            await LabCeph.RbdAsync("du", "--format", "json", image.Specification));
        return usage.RootElement.GetProperty("images")[0].GetProperty("used_size").GetInt64();
    }

    private static Task<LabGuest> StartPairAsync(string name, LabRbdImage image, params LabDisk[] more) =>
        LabGuest.StartAsync(new LabGuestSpecification(name)
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Rbd = image }, .. more],
            PairDisks = ("vda", "vdb"),
        });

    /// <summary>The images with a prefix.</summary>
    private static async Task<IReadOnlyList<string>> ImagesAsync(string beginning)
    {
        using JsonDocument list = JsonDocument.Parse(await LabCeph.RbdAsync("ls", "--format", "json", LabCeph.Pool));
        return [.. list.RootElement.EnumerateArray().Select(name => name.GetString()!)
            .Where(name => name.StartsWith(beginning, StringComparison.Ordinal))];
    }

    private static async Task RemoveAsync(params IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            await LabCeph.RemoveAsync(new LabRbdImage(name));
        }
    }
}
