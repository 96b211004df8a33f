using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Increments on one full backup, into which the oldest of them are merged.</summary>
[Trait("Needs", "Ceph")]
public sealed class MergeTests : IAsyncLifetime
{
    private const string Keys = "pool: rbd, rotate: 3, merge: true, stall_timeout: 20s";

    private readonly StandaloneImages images = new();

    public Task InitializeAsync() => LabCeph.EnsureStartedAsync();

    public Task DisposeAsync() => images.DisposeAsync().AsTask();

    [LabFact]
    public async Task The_merged_chain_equals_the_unmerged_one_and_the_cluster_is_not_read_again()
    {
        LabRbdImage image = await images.CreateAsync("merge-1");
        BackupSite site = new();
        site.ConfigureImages(("volumes", $"{Keys}, name: merge-1"));
        List<(string Id, string Checksum)> points = [];
        for (int day = 1; day <= 5; day++)
        {
            await StandaloneImages.ChangeAsync(image);
            if (day == 3)
            {
                await LabCeph.RbdAsync("resize", "--no-progress", "--size", "32M", image.Specification);
            }

            string unmerged = Copy(site);
            JsonElement job = await BackUpAsync(site);
            points.Add((job.GetProperty("backup").GetProperty("id").GetString()!,
                await StandaloneImages.ChecksumAsync(image.Specification)));
            Assert.Empty(job.GetProperty("warnings").EnumerateArray());
            Assert.Equal(day < 4 ? 0 : 1, job.GetProperty("merged").GetArrayLength());
            Assert.Equal(day < 4 ? 0 : 1, job.GetProperty("removed").GetArrayLength());
            Assert.Single(await LabCeph.SnapshotsAsync(image));
            await AssertPointsAsync(site, image, points.TakeLast(3));
            if (day >= 4)
            {
                Assert.Equal(
                    await AssembleAsync(site, unmerged, image, points[^3].Id),
                    await AssembleAsync(site, site.BackupPath, image, points[^3].Id));
            }
        }

        Assert.Equal(["full", "incr", "incr"], KindsOf(site, image));
        (await site.RunAsync("verify", "--all")).MustSucceed();
        await AssertGuideOfTheMergedBackupWorksAsync(site, image, points[^3].Checksum);
    }

    [LabFact]
    public async Task A_run_killed_at_any_step_of_a_merge_keeps_every_backup_and_the_next_run_continues()
    {
        LabRbdImage image = await images.CreateAsync("merge-2");
        BackupSite site = new();
        site.ConfigureImages(("volumes", $"{Keys}, name: merge-2"));
        List<(string Id, string Checksum)> points = [];
        for (int day = 1; day <= 3; day++)
        {
            await PointAsync();
        }

        foreach (string step in new[] { "MergeProven", "MergePublished", "Merged" })
        {
            await StandaloneImages.ChangeAsync(image);
            await using (RunningProgram paused = await PausedProgram.StartAsync(site, step, "run"))
            {
                await CrashSite.KillWatcherAsync(paused);
                await paused.SignalAsync("KILL");
            }

            (await site.RunAsync("recover")).MustSucceed();
            points.Add((site.BackupIds(StandaloneImages.FolderOf(image))[^1],
                await StandaloneImages.ChecksumAsync(image.Specification)));
            await AssertPointsAsync(site, image, points.TakeLast(3));
            await PointAsync();
            Assert.Equal(["full", "incr", "incr"], KindsOf(site, image));
            await AssertPointsAsync(site, image, points.TakeLast(3));
            Assert.Single(await LabCeph.SnapshotsAsync(image));
        }

        (await site.RunAsync("verify", "--all")).MustSucceed();

        async Task PointAsync()
        {
            await StandaloneImages.ChangeAsync(image);
            JsonElement job = await BackUpAsync(site);
            points.Add((job.GetProperty("backup").GetProperty("id").GetString()!,
                await StandaloneImages.ChecksumAsync(image.Specification)));
        }
    }

    [LabFact]
    public async Task A_damaged_base_is_reported_and_nothing_is_merged_or_removed()
    {
        LabRbdImage image = await images.CreateAsync("merge-3");
        BackupSite site = new();
        site.ConfigureImages(("volumes", $"{Keys}, name: merge-3"));
        for (int day = 1; day <= 3; day++)
        {
            await StandaloneImages.ChangeAsync(image);
            _ = await BackUpAsync(site);
        }

        string folder = site.BackupDirectories(StandaloneImages.FolderOf(image))[0];
        string archive = Directory.GetFiles(folder, "*.tar.gz").Single();
        byte[] bytes = await File.ReadAllBytesAsync(archive);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(archive, bytes);

        Outcome run = await site.RunAsync("run");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("backed up, but then: merging", run.Output + run.Error, StringComparison.Ordinal);
        Assert.Contains("is damaged in the chunk", run.Output + run.Error, StringComparison.Ordinal);
        Assert.Equal(["full", "incr", "incr", "incr"], KindsOf(site, image));
        Assert.DoesNotContain(".partial", string.Join(' ', Directory.GetDirectories(Path.GetDirectoryName(folder)!)),
            StringComparison.Ordinal);
    }

    [LabFact]
    public async Task Prune_merges_backups_of_a_guest_on_a_file_and_an_image_without_changing_their_content()
    {
        LabRbdImage image = new("merge-4");
        await LabCeph.RemoveAsync(image);
        await using LabGuest guest = await LabGuest.DefineAsync(
            new LabGuestSpecification("merge-4") { Disks = [new LabDisk("vda"), new LabDisk("vdb") { Rbd = image }] });
        BackupSite site = new((guest.Name, "rotate: 9, merge: true"));
        for (int day = 1; day <= 4; day++)
        {
            await StandaloneImages.ChangeAsync(image);
            _ = await site.BackUpAsync(guest.Name);
        }

        site.Configure((guest.Name, "rotate: 2, merge: true"));
        IReadOnlyList<string> ids = site.BackupIds(guest.Name);
        string[] before = [await RestoreAsync(ids[2]), await RestoreAsync(ids[3])];
        string files = Folder.Describe(site.BackupPath);

        JsonElement planned = await site.ReportAsync("prune", "--dry-run");
        JsonElement note = Assert.Single(planned.GetProperty("notes").EnumerateArray());
        Assert.Equal(
            $"{guest.Name}: would merge {ids[0]}, {ids[1]} into {ids[2]}", note.GetProperty("message").GetString());
        Assert.Equal(files, Folder.Describe(site.BackupPath));
        JsonElement done = await site.ReportAsync("prune");

        Assert.Equal(ids[2], Assert.Single(done.GetProperty("merged").EnumerateArray()).GetProperty("id").GetString());
        Assert.Equal([ids[2], ids[3]], site.BackupIds(guest.Name));
        Assert.Equal<string[]>(before, [await RestoreAsync(ids[2]), await RestoreAsync(ids[3])]);
        (await site.RunAsync("verify", "--all")).MustSucceed();

        async Task<string> RestoreAsync(string id)
        {
            string folder = LabEnvironment.NewDirectory("restored");
            (await site.RunAsync("restore", $"{guest.Name}@{id}", "--to", folder)).MustSucceed();
            return Folder.Describe(folder);
        }
    }

    private static async Task<JsonElement> BackUpAsync(BackupSite site) =>
        Assert.Single((await site.ReportAsync("run")).GetProperty("jobs").EnumerateArray());

    private static string[] KindsOf(BackupSite site, LabRbdImage image) =>
        [.. site.BackupDirectories(StandaloneImages.FolderOf(image)).Select(path => path.Split('-')[^1])];

    private static async Task AssertPointsAsync(
        BackupSite site, LabRbdImage image, IEnumerable<(string Id, string Checksum)> points)
    {
        foreach ((string id, string checksum) in points)
        {
            Assert.Equal(checksum, await AssembleAsync(site, site.BackupPath, image, id));
        }
    }

    private static async Task<string> AssembleAsync(BackupSite site, string backupPath, LabRbdImage image, string id)
    {
        string file = Path.Combine(LabEnvironment.NewDirectory("assembled"), "image.raw");
        (await site.RunAsync("--backupdir", backupPath, "assemble", $"{StandaloneImages.NameOf(image)}@{id}", "--to",
            file)).MustSucceed();
        string checksum = Folder.Checksum(file);
        File.Delete(file);
        return checksum;
    }

    /// <summary>The checksums of all backups.</summary>
    private static string Copy(BackupSite site)
    {
        string copy = LabEnvironment.NewDirectory("unmerged");
        foreach (string file in Directory.EnumerateFiles(site.BackupPath, "*", SearchOption.AllDirectories))
        {
            string path = Path.Combine(copy, Path.GetRelativePath(site.BackupPath, file));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Copy(file, path);
        }

        return copy;
    }

    private async Task AssertGuideOfTheMergedBackupWorksAsync(BackupSite site, LabRbdImage image, string checksum)
    {
        string archive = Directory.GetFiles(site.BackupDirectories(StandaloneImages.FolderOf(image))[0], "*.tar.gz")
            .Single();
        string folder = LabEnvironment.NewDirectory("by-hand");
        (await RunningProgram.RunAsync("tar", "-xf", archive, "-C", folder)).MustSucceed();
        string inner = Assert.Single(Directory.GetDirectories(folder));
        Assert.Equal(checksum, Folder.Checksum(Path.Combine(inner, "image.raw")));
        string guide = await File.ReadAllTextAsync(Path.Combine(inner, "RESTORE.md"));
        Assert.Contains("rbd import ", guide, StringComparison.Ordinal);
        Assert.DoesNotContain("import-diff", guide, StringComparison.Ordinal);
    }
}
