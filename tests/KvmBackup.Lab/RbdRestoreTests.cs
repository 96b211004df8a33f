using System.Text.Json;
using System.Xml.Linq;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>The way back into a cluster, and out of it: every point of every kind of disk, into images and into files.</summary>
public sealed class RbdRestoreTests
{
    private const string Chains = "rotate: 9, full_every: {points: 8}";

    [LabFact]
    public async Task A_guest_that_lost_its_file_and_its_image_boots_again_where_it_was()
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
        Assert.Empty(Directory.Exists(Path.Combine(site.StatePath, "keys")) ? Directory.GetFiles(Path.Combine(site.StatePath, "keys")) : []);

        // And the next backup takes the new image, whole.
        Assert.Equal("full", (await site.BackUpAsync(guest.Name)).GetProperty("backup").GetProperty("kind").GetString());
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
            (await site.RunAsync("restore", $"{guest.Name}@{id}", "--as", copy.Name, "--to", "rbd:rbd", "--start")).MustSucceed();
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

    private static Task<LabGuest> StartPairAsync(string name, LabRbdImage image, params LabDisk[] more) =>
        LabGuest.StartAsync(new LabGuestSpecification(name)
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Rbd = image }, .. more],
            PairDisks = ("vda", "vdb"),
        });

    /// <summary>The images whose names begin so.</summary>
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
