using System.Text.RegularExpressions;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>The commands of RESTORE.md, run as printed, without the program.</summary>
public sealed partial class HandRestoreTests
{
    [LabFact]
    public async Task A_guest_with_a_special_name_is_restored_by_the_commands_of_RESTORE_md()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("by hand, it's ä")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
        });
        BackupSite site = new((guest.Name, "rotate: 2"));
        await AssertRestoredManuallyAsync(guest, site);
    }

    [LabFact]
    public async Task A_guest_on_a_lost_network_is_restored_by_the_commands_of_RESTORE_md()
    {
        await LabNetwork.CreateAsync();
        try
        {
            await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("network by hand"));
            await LabNetwork.ConnectAsync(guest);
            BackupSite site = new((guest.Name, "rotate: 2"));
            _ = await site.BackUpAsync(guest.Name);
            string archive = site.BackupDirectories(guest.Name).Single();

            // On the host that still has the network, and on one that has lost it.
            foreach (bool isLost in new[] { false, true })
            {
                await guest.UndefineAsync();
                await guest.DeleteDisksAsync();
                if (isLost)
                {
                    await LabNetwork.LoseAsync();
                }

                await FollowAsync(archive, guest.Name, blocks => blocks);
                await guest.WaitUntilReadyAsync();
                await guest.DestroyAsync();
            }
        }
        finally
        {
            await LabNetwork.RemoveAsync();
        }
    }

    [LabFact]
    public async Task A_linked_clone_is_restored_by_the_commands_of_RESTORE_md()
    {
        string template = Path.Combine(LabEnvironment.ImagesPath, "template of a hand.qcow2");
        await LabImage.CreateAsync(new LabDisk("vda"), template);
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("clone by hand")
        {
            Disks = [new LabDisk("vda") { BackingPath = template }],
        });
        BackupSite site = new((guest.Name, "rotate: 2, compression: zstd"));
        await AssertRestoredManuallyAsync(guest, site, template);
    }

    [LabFact]
    [Trait("Needs", "Ceph")]
    public async Task A_guest_on_a_file_and_an_image_is_restored_from_an_increment_by_the_commands_of_RESTORE_md()
    {
        LabRbdImage image = new("by hand");
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("hand on ceph")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Rbd = image }],
            PairDisks = ("vda", "vdb"),
        });
        BackupSite site = new((guest.Name, "rotate: 9, full_every: {points: 8}"));
        for (int point = 0; point < 3; point++)
        {
            await guest.RunAsync($"dd if=/dev/urandom of=/disk/vdb/kept{point} bs=200k count=2 2>/dev/null; sync");
            _ = await site.BackUpAsync(guest.Name);
        }

        string content = await guest.RunAsync("sha256sum /disk/vdb/kept*");
        await guest.LoseAsync();

        // The guide of an increment refers to the guide of the backup before it, up to the full backup.
        IReadOnlyList<string> backups = site.BackupDirectories(guest.Name);
        await FollowAsync(backups[0], guest.Name, UnpackAndImport);
        await FollowAsync(backups[1], guest.Name, UnpackAndImport);
        await FollowAsync(backups[2], guest.Name, blocks => blocks);
        await guest.WaitUntilReadyAsync();

        Assert.Equal(content, await guest.RunAsync("sha256sum /disk/vdb/kept*"));
        Assert.True(await guest.HasPairsIntactAsync());

        static IReadOnlyList<string> UnpackAndImport(IReadOnlyList<string> blocks) =>
            [.. blocks.Where(block => block.StartsWith("tar ", StringComparison.Ordinal)
                || block.StartsWith("rbd import", StringComparison.Ordinal))];
    }

    private static async Task AssertRestoredManuallyAsync(
        LabGuest guest, BackupSite site, params IEnumerable<string> alsoLost)
    {
        string content = await guest.RunAsync(
            """
            for disk in /disk/*; do dd if=/dev/urandom of=$disk/kept bs=200k count=2 2>/dev/null; done
            sync
            sha256sum /disk/*/kept
            """);
        _ = await site.BackUpAsync(guest.Name);
        await guest.LoseAsync();
        foreach (string path in alsoLost)
        {
            File.Delete(path);
        }

        await FollowAsync(site.BackupDirectories(guest.Name).Single(), guest.Name, blocks => blocks);
        await guest.WaitUntilReadyAsync();

        Assert.Equal(content, await guest.RunAsync("sha256sum /disk/*/kept"));
    }

    /// <summary>Reads the guide from the archive and runs its commands in the folder of a copied backup.</summary>
    private static async Task FollowAsync(
        string backup, string domain, Func<IReadOnlyList<string>, IReadOnlyList<string>> choose)
    {
        // In another folder, as on a rescue system: a backup depends only on its own folder.
        string folder = Path.Combine(LabEnvironment.NewDirectory("rescue"), "backup");
        (await RunningProgram.RunAsync("cp", "-r", backup, folder)).MustSucceed();
        string archive = Directory.GetFiles(folder).Single(file =>
            Path.GetFileName(file).StartsWith(domain + ".tar", StringComparison.Ordinal)
                && !file.EndsWith(".index", StringComparison.Ordinal));
        Outcome guide = await RunningProgram.RunAsync("tar", "-xOf", archive, $"{domain}/RESTORE.md");

        MatchCollection blocks = ShellBlock().Matches(guide.MustSucceed().Output);
        Assert.True(blocks.Count >= 4, guide.Output);
        string script = string.Join('\n', choose([.. blocks.Select(block => block.Groups["text"].Value)]));
        string scriptPath = Path.Combine(LabEnvironment.NewDirectory("script"), "typed.sh");
        await File.WriteAllTextAsync(scriptPath, $"cd '{folder}'\n{script}");
        (await RunningProgram.RunAsync("bash", "-e", scriptPath)).MustSucceed();
    }

    [GeneratedRegex("^```sh\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ShellBlock();
}
