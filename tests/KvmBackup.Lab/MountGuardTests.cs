using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>A target on a separate file system: nothing is written when another or none is mounted.</summary>
public sealed class MountGuardTests
{
    private static readonly string[][] Commands =
        [["run"], ["run", "--dry-run"], ["check"], ["prune"], ["prune", "--dry-run"]];

    [LabFact]
    public async Task Nothing_is_written_to_an_unmounted_or_exchanged_share()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("guarded"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        string guarded = (await File.ReadAllTextAsync(site.ConfigurationPath))
            .Replace("require_mount: false", "require_mount: auto", StringComparison.Ordinal);
        await File.WriteAllTextAsync(site.ConfigurationPath, guarded);
        string marker = Path.Combine(site.BackupPath, ".kvmbackup-target");

        await MountAsync(site);
        (await site.RunAsync("check")).MustSucceed();
        Assert.Empty(Directory.GetFileSystemEntries(site.BackupPath));
        Outcome first = (await site.RunAsync("run")).MustSucceed();
        Assert.Contains("first use of the backup directory", first.Output + first.Error, StringComparison.Ordinal);
        string id = await File.ReadAllTextAsync(marker);
        Outcome second = (await site.RunAsync("run")).MustSucceed();
        Assert.DoesNotContain("first use", second.Output + second.Error, StringComparison.Ordinal);
        (await site.RunAsync("check")).MustSucceed();
        (await site.RunAsync("prune")).MustSucceed();

        (await RunningProgram.RunAsync("umount", site.BackupPath)).MustSucceed();
        await AssertRefusedAsync(site, "is not the one that this host used before", []);

        await MountAsync(site);
        await AssertRefusedAsync(site, "the same mount point is there, but not its marker file", []);

        await File.WriteAllTextAsync(marker, "0123456789abcdef0123456789abcdef\n");
        await AssertRefusedAsync(site, "is not the one that this host used before", [marker]);

        // Moved to another file system, with all files.
        await File.WriteAllTextAsync(marker, id);
        (await site.RunAsync("run")).MustSucceed();
        _ = Assert.Single(site.BackupIds(guest.Name));
        (await RunningProgram.RunAsync("umount", site.BackupPath)).MustSucceed();
    }

    private static async Task MountAsync(BackupSite site) =>
        (await RunningProgram.RunAsync(
            "mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", site.BackupPath)).MustSucceed();

    private static async Task AssertRefusedAsync(BackupSite site, string because, string[] left)
    {
        foreach (string[] arguments in Commands)
        {
            Outcome outcome = (await site.RunAsync(arguments)).MustEndWith(1);

            string[] words = (outcome.Output + outcome.Error).Split(
                (char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            Assert.Contains(because, string.Join(' ', words), StringComparison.Ordinal);
            Assert.Equal(left, Directory.GetFileSystemEntries(site.BackupPath));
        }
    }
}
