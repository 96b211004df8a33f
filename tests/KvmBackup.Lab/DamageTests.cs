using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Backups that were damaged later: the damage is found and located, and nothing is restored
/// partially.</summary>
public sealed class DamageTests
{
    [LabFact]
    public async Task A_changed_byte_is_located_and_the_backup_is_not_restored()
    {
        BackupSite site = await BackUpAsync("flipped");
        string archive = site.NewestArchive("flipped");
        await using (FileStream file = File.Open(archive, FileMode.Open))
        {
            // Within the last member, which is the disk.
            file.Position = file.Length - (4 << 20);
            int value = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(value ^ 0x55));
        }

        JsonElement verified = await site.ReportAsync(4, "verify", "flipped");
        JsonElement damage = verified.GetProperty("results")[0].GetProperty("damages")[0];
        Assert.Contains("flipped.tar.gz", verified.ToString(), StringComparison.Ordinal);
        Assert.Contains("vda.qcow2", verified.ToString(), StringComparison.Ordinal);
        Assert.NotEqual("", damage.GetProperty("reason").GetString());
        (await site.RunAsync("verify", "--all")).MustEndWith(4);
        await AssertNotRestoredAsync(site, "flipped");
    }

    [LabFact]
    public async Task A_truncated_archive_is_damage_and_is_not_restored()
    {
        BackupSite site = await BackUpAsync("short");
        await using (FileStream file = File.Open(site.NewestArchive("short"), FileMode.Open))
        {
            file.SetLength(file.Length * 2 / 3);
        }

        (await site.RunAsync("verify", "--all")).MustEndWith(4);
        await AssertNotRestoredAsync(site, "short");
    }

    [LabFact]
    public async Task A_lost_index_is_rebuilt_from_the_archive()
    {
        BackupSite site = await BackUpAsync("indexless");
        File.Delete(site.NewestArchive("indexless") + ".index");
        string folder = LabEnvironment.NewDirectory("restored");

        (await site.RunAsync("verify", "indexless")).MustEndWith(4);
        (await site.RunAsync("restore", "indexless", "--to", folder)).MustSucceed();

        Assert.Equal("indexless-vda.qcow2", Path.GetFileName(Directory.GetFiles(folder, "*vda*").Single()));
    }

    [LabFact]
    public async Task A_backup_with_a_damaged_manifest_is_restored_manually_as_advised()
    {
        BackupSite site = await BackUpAsync("unlisted");
        string restored = LabEnvironment.NewDirectory("restored");
        (await site.RunAsync("restore", "unlisted", "--to", restored)).MustSucceed();
        await File.AppendAllTextAsync(
            Path.Combine(site.BackupDirectories("unlisted").Single(), "manifest.json"), " ");

        Outcome refused = (await site.RunAsync("restore", "unlisted", "--define")).MustEndWith(4);
        string folder = LabEnvironment.NewDirectory("unpacked");
        _ = await new TypedAdvice(site) { CurrentDirectory = folder }.TypeAsync(refused.Error, "tar -xSf");

        Assert.Single(Directory.GetFiles(folder, "RESTORE.md", SearchOption.AllDirectories));
        (await RunningProgram.RunAsync(
            "qemu-img", "compare", Path.Combine(folder, "unlisted", "vda.qcow2"),
            Directory.GetFiles(restored, "*vda*").Single())).MustSucceed();
    }

    [LabFact]
    public async Task A_backup_of_a_newer_version_is_refused_and_kept()
    {
        BackupSite site = await BackUpAsync("newer");
        string manifest = Path.Combine(site.BackupDirectories("newer").Single(), "manifest.json");
        string text = await File.ReadAllTextAsync(manifest);
        await File.WriteAllTextAsync(
            manifest, text.Replace("\"format_version\": 2", "\"format_version\": 999", StringComparison.Ordinal));
        Assert.NotEqual(text, await File.ReadAllTextAsync(manifest));

        Outcome show = (await site.RunAsync("show", "newer")).MustEndWith(2);
        Outcome restore = (await site.RunAsync("restore", "newer")).MustEndWith(2);
        Outcome list = (await site.RunAsync("list")).MustSucceed();

        Assert.All(
            [show.Error, restore.Error, list.Output],
            (string text) => Assert.Contains("format 999", text, StringComparison.Ordinal));
        Assert.True(File.Exists(manifest));
    }

    private static async Task<BackupSite> BackUpAsync(string name)
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification(name)
        {
            Disks = [new LabDisk("vda") { ContentDirectory = Folder.WithRandomFile("random", 9_000_000) }],
        });
        BackupSite site = new((name, "rotate: 2"));
        _ = await site.BackUpAsync(name);
        return site;
    }

    private static async Task AssertNotRestoredAsync(BackupSite site, string name)
    {
        string folder = LabEnvironment.NewDirectory("restored");
        Outcome elsewhere = (await site.RunAsync("restore", name, "--to", folder)).MustEndWith(4);
        Outcome inPlace = (await site.RunAsync("restore", name, "--define")).MustEndWith(4);

        Assert.NotEqual("", elsewhere.Error);
        Assert.NotEqual("", inPlace.Error);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
        string images = Path.Combine(LabEnvironment.ImagesPath, name);
        Assert.Empty(Directory.Exists(images) ? Directory.GetFiles(images) : []);
        Assert.False(await Virsh.ExistsAsync(name));
    }
}
