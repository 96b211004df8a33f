using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;

namespace KvmBackup.Lab.Support;

/// <summary>An image without a guest, its backups, and the invariants of both after any run.</summary>
public sealed class StandaloneImageSite : IAsyncDisposable
{
    private const long Size = 24L << 20;
    private const int SelectedSteps = 4;
    private static readonly string[] Delicate = ["Snapshotted", "Read:image", "Published"];
    private readonly List<(string Path, string Digest)> earlier = [];
    private int changes;

    private StandaloneImageSite(LabRbdImage image) => Image = image;

    public LabRbdImage Image { get; }

    public BackupSite Site { get; } = new();

    public string Folder => StandaloneImages.FolderOf(Image);

    /// <summary>The steps of a run with an image: all, or a seeded selection with the most critical ones.</summary>
    public static IReadOnlyList<string> SelectSteps(int seed)
    {
        string[] all =
        [
            .. new[]
            {
                JobStep.Intent, JobStep.Snapshotted, JobStep.Pinned, JobStep.Completed, JobStep.Published,
                JobStep.Closed,
                JobStep.Trimmed, JobStep.Retained,
            }.Select(step => step.ToString()),
            "Read:image",
        ];
        string[] rest = [.. all.Except(Delicate)];
        LabSeed.For(seed).Shuffle(rest);
        return CrashSite.IsFullMatrix ? all : [.. Delicate, .. rest.Take(SelectedSteps - Delicate.Length)];
    }

    /// <summary>Creates the image and a first backup, which must never be lost.</summary>
    public static async Task<StandaloneImageSite> CreateAsync(string name)
    {
        await LabCeph.EnsureStartedAsync();
        StandaloneImageSite site = new(new LabRbdImage(name));
        await LabCeph.CreateImageAsync(site.Image, Size);
        await site.ChangeAsync();
        site.Site.ConfigureImages(
            ("lone", $"pool: rbd, name: {name}, rotate: 200, full_every: 1000, stall_timeout: 10s"));
        (await site.Site.RunAsync("run")).MustSucceed();
        site.Remember();
        return site;
    }

    /// <summary>Writes data that no backup contains yet, at another place each time.</summary>
    public async Task ChangeAsync() => (await RunningProgram.RunAsync(
        "qemu-io", "-f", "raw", "-c", $"write -P {1 + (changes % 250)} {(changes++ * 300) % 23000}k 256k",
        $"rbd:{Image.Specification}")).MustSucceed();

    /// <summary>Starts a run and returns when it is paused after a step.</summary>
    public async Task<RunningProgram> StartPausedAsync(string step)
    {
        await ChangeAsync();
        return await PausedProgram.StartAsync(Site, step, "run");
    }

    public async Task WaitUntilRecoveredAsync(string step)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (Site.JournalEntries.Count > 0)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{step}: the watcher does not recover it");
            await Task.Delay(100);
        }
    }

    /// <summary>No snapshot without a backup, no journal entry, no pending deletion, and no changed backup.</summary>
    public async Task AssertIntactAsync(string what)
    {
        Assert.True(Site.JournalEntries.Count == 0, $"{what}: still journalled");
        string pendingDeletions = Path.Combine(Site.StatePath, "owed");
        Assert.True(!Directory.Exists(pendingDeletions) || Directory.GetFiles(pendingDeletions).Length == 0,
            $"{what}: a deletion is pending");
        string[] known = [.. Site.BackupDirectories(Folder).Select(SnapshotOf)];
        Assert.All(await LabCeph.SnapshotsAsync(Image), snapshot =>
            Assert.True(known.Contains(snapshot.Name), $"{what}: {snapshot.Name} is left"));
        Assert.All(earlier, file =>
            Assert.True(Digest(file.Path) == file.Digest, $"{what}: {file.Path} has changed"));
    }

    /// <summary>The next backup is an increment, only the newest snapshot exists, and the restored content equals the
    /// image.</summary>
    public async Task AssertNextBackupSucceedsAsync(string what)
    {
        await ChangeAsync();
        Outcome run = await Site.RunAsync("--wait", "30", "run");
        Assert.True(run.ExitCode == 0, $"{what}: the next run ended with {run.ExitCode}\n{run.Output}\n{run.Error}");
        string newest = Site.BackupDirectories(Folder)[^1];
        Assert.EndsWith("-incr", newest, StringComparison.Ordinal);
        Assert.Equal(SnapshotOf(newest), Assert.Single(await LabCeph.SnapshotsAsync(Image)).Name);
        Assert.DoesNotContain(Directory.GetDirectories(Path.GetDirectoryName(newest)!), path =>
            path.EndsWith(".partial", StringComparison.Ordinal));
        await AssertRestoredAsync(what);
        Remember();
    }

    /// <summary>Records the current backups, which must not change any more.</summary>
    public void Remember() => earlier.AddRange(Site.BackupDirectories(Folder).SelectMany(Directory.GetFiles)
        .Where(file => earlier.All(known => known.Path != file)).Select(file => (file, Digest(file))));

    public async ValueTask DisposeAsync() => await LabCeph.RemoveAsync(Image);

    private async Task AssertRestoredAsync(string what)
    {
        string expected = Path.Combine(LabEnvironment.NewDirectory("expected"), "image");
        string found = LabEnvironment.NewDirectory("found");
        await LabCeph.ExportAsync(Image.Specification, expected);
        (await Site.RunAsync("restore", StandaloneImages.NameOf(Image), "--to", found)).MustSucceed();
        Assert.True(
            Support.Folder.Checksum(expected) == Support.Folder.Checksum(Assert.Single(Directory.GetFiles(found))),
            $"{what}: what comes back is not the image");
    }

    private static string SnapshotOf(string backupDirectory)
    {
        using JsonDocument manifest = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(backupDirectory, "manifest.json")));
        return manifest.RootElement.GetProperty("disks")[0].GetProperty("image").GetProperty("snapshot").GetString()!;
    }

    private static string Digest(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));
}
