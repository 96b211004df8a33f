using System.Text.Json;
using System.Xml.Linq;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Restores as a copy, in place and of single disks, and their refusals.</summary>
public sealed class RestoreTests
{
    [LabFact]
    public async Task A_copy_runs_beside_the_original_with_a_new_identity()
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("original") { MacAddress = "52:54:00:12:34:56" });
        await guest.WriteFileAsync("/data/kept", "of both"u8.ToArray());
        BackupSite site = new((guest.Name, "rotate: 2"));
        _ = await site.BackUpAsync(guest.Name);
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        string folder = LabEnvironment.NewDirectory("copy");
        (await site.RunAsync("restore", guest.Name, "--as", "copy of original", "--to", folder, "--start"))
            .MustSucceed();
        await using LabGuest copy = LabGuest.Attach("copy of original");
        await copy.WaitUntilReadyAsync();

        Assert.Equal("of both", await copy.RunAsync("cat /data/kept"));
        await before.AssertUnchangedAsync(site);
        XElement original = await guest.InactiveXmlAsync();
        XElement copied = await copy.InactiveXmlAsync();
        Assert.NotEqual(original.Element("uuid")!.Value, copied.Element("uuid")!.Value);
        Assert.NotEqual(MacOf(original), MacOf(copied));
        Assert.StartsWith("52:54:00", MacOf(copied), StringComparison.Ordinal);
    }

    [LabFact]
    public async Task A_restore_never_overwrites_unless_the_domain_is_named()
    {
        await using LabGuest guest = await StartWithContentAsync("precious", "first");
        BackupSite site = new((guest.Name, "rotate: 2"));
        _ = await site.BackUpAsync(guest.Name);
        await guest.WriteFileAsync("/data/kept", "second"u8.ToArray());

        await AssertRefusedAsync(site, guest, "is running: shut it off first", "--start");
        await AssertRefusedAsync(site, guest, "is running: shut it off first", "--start", "--replace", guest.Name);
        await guest.ShutdownAsync();
        await AssertRefusedAsync(site, guest, "--replace precious", "--define");
        await AssertRefusedAsync(site, guest, "vda.qcow2 exists: move it away");
        await AssertRefusedAsync(site, guest, "--replace names other", "--define", "--replace", "other");
        await guest.BootAsync();
        Assert.Equal("second", await guest.RunAsync("cat /data/kept"));
        await guest.DestroyAsync();

        (await site.RunAsync("restore", guest.Name, "--start", "--replace", guest.Name)).MustSucceed();
        await guest.WaitUntilReadyAsync();
        Assert.Equal("first", await guest.RunAsync("cat /data/kept"));
    }

    [LabFact]
    public async Task A_dry_run_reports_the_actions_and_writes_nothing()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("dry"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        string backups = Folder.Describe(site.BackupPath);
        JsonElement backup = (await site.ReportAsync("backup", guest.Name, "--dry-run")).GetProperty("jobs")[0];
        Assert.Contains(Strings(backup, "commands"), command => command.StartsWith("mkdir", StringComparison.Ordinal));
        await before.AssertUnchangedAsync(site);
        Assert.Equal(backups, Folder.Describe(site.BackupPath));

        _ = await site.BackUpAsync(guest.Name);
        string folder = Path.Combine(LabEnvironment.NewDirectory("dry"), "new");
        JsonElement restore = await site.ReportAsync(
            "restore", guest.Name, "--as", "dry copy", "--to", folder, "--start", "--dry-run");

        Assert.Contains($"write {folder}/dry copy-vda.qcow2 from vda.qcow2", Messages(restore, "planned_actions"));
        Assert.Contains(
            Messages(restore, "planned_actions"), line => line.StartsWith("virsh start", StringComparison.Ordinal));
        Assert.False(Directory.Exists(folder));
        Assert.False(await Virsh.ExistsAsync("dry copy"));
    }

    [LabFact]
    public async Task A_single_disk_is_restored_and_an_existing_file_is_kept()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("two")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
        });
        BackupSite site = new((guest.Name, "rotate: 2"));
        _ = await site.BackUpAsync(guest.Name);
        string folder = LabEnvironment.NewDirectory("one-disk");

        (await site.RunAsync("restore", guest.Name, "--disk", "vdb", "--to", folder)).MustSucceed();
        string file = Assert.Single(Directory.GetFiles(folder));
        Assert.Equal(Folder.Checksum(Path.Combine(guest.DirectoryPath!, "vdb.raw")), Folder.Checksum(file));

        string before = Folder.Describe(folder);
        Outcome again = (await site.RunAsync("restore", guest.Name, "--disk", "vdb", "--to", folder)).MustEndWith(2);
        Assert.Contains($"{file} exists", again.Error, StringComparison.Ordinal);
        Outcome unknown = (await site.RunAsync("restore", guest.Name, "--disk", "vdz", "--to", folder)).MustEndWith(2);
        Assert.Contains("it holds vda, vdb", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(before, Folder.Describe(folder));
    }

    [LabFact]
    public async Task Recover_removes_the_files_of_a_killed_restore_and_no_others()
    {
        string template = Path.Combine(LabEnvironment.NewDirectory("template"), "template.qcow2");
        await LabImage.CreateAsync(new LabDisk("vda"), template);
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("killed-restore")
        {
            Disks = [new LabDisk("vda") { BackingPath = template }],
        });
        BackupSite site = new((guest.Name, "rotate: 2"));
        _ = await site.BackUpAsync(guest.Name);
        string folder = LabEnvironment.NewDirectory("killed");
        string foreign = Path.Combine(folder, "foreign.kvmbackup-partial");
        File.WriteAllText(foreign, "of another program");

        // The clone's backing file is set to the template's new path before either is renamed.
        Interposer killer = new("case \" $* \" in *' rebase '*) kill -s KILL $PPID; exit 1 ;; esac", "qemu-img");
        Assert.Equal(137, (await killer.RunAsync(site, "restore", guest.Name, "--to", folder)).ExitCode);
        string[] left = Directory.GetFiles(folder);
        Assert.Contains(left, file => file != foreign);
        Assert.All(left, file => Assert.EndsWith(".kvmbackup-partial", file, StringComparison.Ordinal));
        (await site.RunAsync("recover")).MustSucceed();

        Assert.Equal([foreign], Directory.GetFiles(folder));
        (await site.RunAsync("restore", guest.Name, "--to", folder)).MustSucceed();
    }

    [LabFact]
    public async Task A_backup_is_found_by_a_unique_prefix_of_its_timestamp()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("many"));
        BackupSite site = new((guest.Name, "rotate: 5"));
        _ = await site.BackUpAsync(guest.Name);
        _ = await site.BackUpAsync(guest.Name);
        IReadOnlyList<string> ids = site.BackupIds(guest.Name);
        Assert.Equal(2, ids.Count);

        JsonElement newest = await site.ReportAsync("show", guest.Name);
        JsonElement older = await site.ReportAsync("show", $"{guest.Name}@{ids[0]}");
        Outcome ambiguous = (await site.RunAsync("restore", $"{guest.Name}@2", "--to", "/nowhere")).MustEndWith(2);
        Outcome unknown = (await site.RunAsync("restore", $"{guest.Name}@1999", "--to", "/nowhere")).MustEndWith(2);

        Assert.Equal(ids[1], newest.GetProperty("backup").GetProperty("id").GetString());
        Assert.Equal(ids[0], older.GetProperty("backup").GetProperty("id").GetString());
        Assert.All(ids, id => Assert.Contains(id, ambiguous.Error, StringComparison.Ordinal));
        Assert.All(ids, id => Assert.Contains(id, unknown.Error, StringComparison.Ordinal));
        Assert.False(Directory.Exists("/nowhere"));
    }

    [LabFact]
    public async Task Backups_that_were_copied_elsewhere_are_restored_without_a_configuration()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("moved"));
        BackupSite site = new((guest.Name, "rotate: 5"));
        _ = await site.BackUpAsync(guest.Name);
        string elsewhere = Path.Combine(LabEnvironment.NewDirectory("usb"), "disk");
        (await RunningProgram.RunAsync("cp", "-r", site.BackupPath, elsewhere)).MustSucceed();
        string checksum = Folder.Checksum(Path.Combine(guest.DirectoryPath!, "vda.qcow2"));
        string folder = LabEnvironment.NewDirectory("moved");

        (await Kvmbackup.RunAsync("--backupdir", elsewhere, "list")).MustSucceed();
        (await Kvmbackup.RunAsync("--backupdir", elsewhere, "verify", "--all")).MustSucceed();
        (await Kvmbackup.RunAsync("--backupdir", elsewhere, "restore", guest.Name, "--to", folder)).MustSucceed();

        Assert.Equal(checksum, Folder.Checksum(Path.Combine(folder, "moved-vda.qcow2")));
    }

    private static async Task<LabGuest> StartWithContentAsync(string name, string content)
    {
        LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification(name));
        await guest.WriteFileAsync("/data/kept", System.Text.Encoding.UTF8.GetBytes(content));
        return guest;
    }

    private static async Task AssertRefusedAsync(BackupSite site, LabGuest guest, string because, params string[] words)
    {
        string before = string.Join('\n', Directory.GetFiles(guest.DirectoryPath!));
        Outcome outcome = (await site.RunAsync(["restore", guest.Name, .. words])).MustEndWith(2);
        Assert.Contains(because, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(before, string.Join('\n', Directory.GetFiles(guest.DirectoryPath!)));
    }

    private static string MacOf(XElement domain) =>
        domain.Descendants("mac").Single().Attribute("address")!.Value;

    private static IEnumerable<string> Strings(JsonElement json, string property) =>
        json.GetProperty(property).EnumerateArray().Select(element => element.GetString()!);

    private static IEnumerable<string> Messages(JsonElement json, string property) =>
        json.GetProperty(property).EnumerateArray().Select(element => element.GetProperty("message").GetString()!);
}
