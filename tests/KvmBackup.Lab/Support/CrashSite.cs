using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Xml.Linq;

namespace KvmBackup.Lab.Support;

/// <summary>A guest that writes pairs across its disks, its backups, and the program paused at a step.</summary>
public sealed class CrashSite : IAsyncDisposable
{
    /// <summary>Runs every step; otherwise a seeded selection that always includes the most critical ones.</summary>
    public const string FullMatrixVariable = "KVMBACKUP_FULL_MATRIX";

    private const string Keys = "rotate: 1000, full_every: 5";
    private const int SelectedStepsBesideDelicate = 1;

    private static readonly JobStep[] StepsOfADisk =
    [
        JobStep.Releasing, JobStep.Committing, JobStep.Ready, JobStep.Pivoted, JobStep.OnBase, JobStep.Released,
    ];

    private static readonly LabDisk[] OneFile = [new("vda")];
    private static readonly LabDisk[] TwoFiles = [new("vda"), new("vdb") { Format = "raw" }];

    private readonly IReadOnlyDictionary<string, string> bases;
    private readonly LabRbdImage? image;
    private readonly List<(string Path, string Digest)> earlier = [];
    private int marks;

    private CrashSite(LabGuest guest, BackupSite site, LabDisk[] disks)
    {
        Guest = guest;
        Site = site;
        image = disks.Select(disk => disk.Rbd).OfType<LabRbdImage>().FirstOrDefault();
        bases = disks.ToDictionary(disk => disk.Target, disk => disk.Rbd is { } rbd
            ? $"rbd:{rbd.Specification}" : Path.Combine(guest.DirectoryPath!, $"{disk.Target}.{disk.Format}"));
    }

    public static bool IsFullMatrix => Environment.GetEnvironmentVariable(FullMatrixVariable) is { Length: > 0 };

    public LabGuest Guest { get; }

    public BackupSite Site { get; }

    /// <summary>Boots a guest with two disks in files and makes a first backup that must never be lost.</summary>
    public static Task<CrashSite> CreateAsync(string name) => CreateAsync(name, TwoFiles, Keys);

    /// <summary>The same with a disk in a file and one in the cluster, and backups that are increments from the second
    /// on.</summary>
    public static Task<CrashSite> CreateAsync(string name, LabRbdImage image) => CreateAsync(
        name, [new("vda"), new("vdb") { Rbd = image }], "rotate: 1000, full_every: 1000, freeze_timeout: 6s");

    private static async Task<CrashSite> CreateAsync(string name, LabDisk[] disks, string keys)
    {
        LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification(name) { Disks = disks, PairDisks = ("vda", disks[^1].Target) });
        CrashSite site = new(guest, new BackupSite((name, keys)), disks);
        (await site.Site.RunAsync("run")).MustSucceed();
        site.Remember();
        return site;
    }

    /// <summary>
    /// Pauses a run after each step, for a guest with two disks in files, for one with one, and for one with a file and
    /// an RBD image, calls a function, and checks that the guest is intact and the next backup succeeds.
    /// </summary>
    /// <param name="name">The prefix of the guests' names.</param>
    /// <param name="seed">Selects the steps when not all are run.</param>
    /// <param name="happenAsync">The event: receives the site, the step and the paused program.</param>
    public static Task AtEveryStepAsync(
        string name, int seed, Func<CrashSite, string, RunningProgram, Task> happenAsync) =>
        AtEveryStepAsync(name, site => site.SelectSteps(seed), happenAsync);

    /// <inheritdoc cref="AtEveryStepAsync(string, int, Func{CrashSite, string, RunningProgram, Task})"/>
    /// <param name="name">The prefix of the guests' names.</param>
    /// <param name="selected">The steps when not all are run.</param>
    /// <param name="happenAsync">The event: receives the site, the step and the paused program.</param>
    public static Task AtEveryStepAsync(
        string name, string[] selected, Func<CrashSite, string, RunningProgram, Task> happenAsync) =>
        AtEveryStepAsync(name, _ => selected, happenAsync);

    private static async Task AtEveryStepAsync(
        string name, Func<CrashSite, IReadOnlyList<string>> select, Func<CrashSite, string, RunningProgram,
        Task> happenAsync)
    {
        LabDisk[] fileAndImage = [new("vda"), new("vdb") { Rbd = new LabRbdImage(name) }];
        foreach (
            (string kind, LabDisk[] disks) in new[] { ("two", TwoFiles), ("one", OneFile), ("image", fileAndImage) })
        {
            await using CrashSite site = await CreateAsync($"{name}-{kind}", disks, Keys);
            foreach (string step in IsFullMatrix ? site.AllSteps() : select(site))
            {
                await using RunningProgram paused = await site.StartPausedAsync(step);
                await happenAsync(site, step, paused);
                await site.AssertGuestIsIntactAsync(step);
                if (IsFullMatrix)
                {
                    await site.AssertNextBackupSucceedsAsync(step);
                }
            }

            await site.AssertNextBackupSucceedsAsync($"{name}, {kind}");
        }
    }

    /// <summary>All steps by name, so that a new one is included; those of a disk once for each disk.</summary>
    private string[] AllSteps() => [.. Enum.GetValues<JobStep>().SelectMany(StepsNamed)];

    private IEnumerable<string> StepsNamed(JobStep step) => step switch
    {
        JobStep.Trimmed when image is null => [],

        // Occurs only where AppArmor denies writes to the base; see tests/host.
        JobStep.Saved or JobStep.SavedOnBase => [],

        // The guest is already released when backups are merged; see MergeTests.
        JobStep.MergeProven or JobStep.MergePublished or JobStep.Merged => [],
        JobStep.Read => bases.Keys.Select(target => $"{step}:{target}"),
        _ when StepsOfADisk.Contains(step) => Files.Select(target => $"{step}:{target}"),
        _ => [step.ToString()],
    };

    private IEnumerable<string> Files => bases.Where(disk => disk.Value.StartsWith('/')).Select(disk => disk.Key);

    /// <summary>
    /// Pairs of events and kinds of disks, each with the most critical steps and, by the seed, another one. The
    /// critical steps of a file are those of the guest with two.
    /// </summary>
    private string[] SelectSteps(int seed)
    {
        string last = Files.Max(StringComparer.Ordinal)!;
        string[] delicate = (image, bases.Count) switch
        {
            ({ }, _) => ["Snapshotted", "Read:vdb"],
            (null, > 1) => ["Snapshotted", $"Committing:{last}", "Pivoted:vda"],
            _ => [],
        };
        string[] rest = [.. AllSteps().Except(delicate)];
        LabSeed.For(seed + bases.Count + (image is null ? 0 : 100)).Shuffle(rest);
        return [.. delicate, .. rest.Take(SelectedStepsBesideDelicate)];
    }

    /// <summary>Starts a run and returns when it is paused after a step.</summary>
    private async Task<RunningProgram> StartPausedAsync(string step)
    {
        await Guest.WriteFileAsync($"/data/mark.{++marks}", System.Text.Encoding.UTF8.GetBytes($"mark {marks}"));
        return await PausedProgram.StartAsync(Site, step, "run");
    }

    /// <summary>Kills the watcher of a paused run.</summary>
    public static async Task KillWatcherAsync(RunningProgram paused)
    {
        foreach (int child in ChildrenOf(paused.ProcessId).Where(child =>
            File.ReadAllText($"/proc/{child}/cmdline").Contains("watch-run", StringComparison.Ordinal)))
        {
            (await RunningProgram.RunAsync("kill", "-s", "KILL", child.ToString(CultureInfo.InvariantCulture)))
                .MustSucceed();
        }
    }

    public async Task WaitUntilRecoveredAsync(string step)
    {
        string journal = Path.Combine(Site.StatePath, "journal");
        Stopwatch clock = Stopwatch.StartNew();
        while (Directory.Exists(journal) && Directory.EnumerateFiles(journal, "*.json").Any())
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{step}: the watcher does not recover it");
            await Task.Delay(100);
        }
    }

    /// <summary>The guest runs, thawed, on its base in both definitions, without job and overlay, with all its
    /// writes.</summary>
    public async Task AssertGuestIsIntactAsync(string step)
    {
        Assert.Equal("running", await Guest.StateAsync());
        await AssertDisksAreIntactAsync(step);
        string status = await Virsh.RunAsync(
            "qemu-agent-command", Guest.Name, """{"execute":"guest-fsfreeze-status"}""");
        Assert.True(status.Contains("thawed", StringComparison.Ordinal), $"{step}: {status}");
        int[] numbers = [.. Enumerable.Range(1, marks)];
        string found = await Guest.RunAsync(
            string.Join('\n', [":", .. numbers.Select(mark => $"cat /data/mark.{mark}; echo")]));
        Assert.Equal(string.Concat(numbers.Select(mark => $"mark {mark}\n")), found);

        foreach ((string path, string digest) in earlier)
        {
            Assert.True(digest == Digest(path), $"{step}: {path} has changed");
        }
    }

    /// <summary>Both definitions are on the base, and no job, overlay or journal entry is left.</summary>
    public async Task AssertDisksAreIntactAsync(string step)
    {
        foreach (XElement xml in new[] { await Guest.LiveXmlAsync(), await Guest.InactiveXmlAsync() })
        {
            IReadOnlyDictionary<string, string> sources = Virsh.SourcesIn(xml);
            Assert.Equal(bases, sources);
            Assert.Empty(xml.Descendants("mirror"));
        }

        string[] left = [.. Directory.GetFiles(Guest.DirectoryPath!).Where(file =>
            Path.GetFileName(file).StartsWith("kvmbackup.", StringComparison.Ordinal))];
        Assert.True(left.Length == 0, $"{step}: left behind: {string.Join(", ", left)}");
        string journal = Path.Combine(Site.StatePath, "journal");
        Assert.True(!Directory.Exists(journal) || !Directory.EnumerateFiles(journal, "*.json").Any(),
            $"{step}: still journalled");
        if (image is not null)
        {
            string[] known = [.. Site.BackupDirectories(Guest.Name).Select(ReadSnapshot)];
            Assert.All(await LabCeph.SnapshotsAsync(image), snapshot => Assert.Contains(snapshot.Name, known));
        }
    }

    public async Task AssertNextBackupSucceedsAsync(string step)
    {
        Outcome run = await Site.RunAsync("--wait", "30", "run");
        Assert.True(run.ExitCode == 0, $"{step}: the next run ended with {run.ExitCode}\n{run.Output}\n{run.Error}");
        (await Site.RunAsync("verify", Guest.Name)).MustSucceed();
        Assert.DoesNotContain(
            Site.BackupDirectories(Guest.Name), directory => directory.EndsWith(".partial", StringComparison.Ordinal));
        if (image is not null)
        {
            Assert.Equal(ReadSnapshot(Site.BackupDirectories(Guest.Name)[^1]),
                Assert.Single(await LabCeph.SnapshotsAsync(image)).Name);
            Assert.False(Directory.EnumerateFiles(Site.StatePath, "*.key", SearchOption.AllDirectories).Any(),
                $"{step}: a key is left");
        }

        Remember();
    }

    /// <summary>Records the current backups, which must not change any more.</summary>
    public void Remember()
    {
        foreach (string file in Site.BackupDirectories(Guest.Name).SelectMany(Directory.GetFiles))
        {
            if (earlier.All(known => known.Path != file))
            {
                earlier.Add((file, Digest(file)));
            }
        }
    }

    public ValueTask DisposeAsync() => Guest.DisposeAsync();

    private static string ReadSnapshot(string backupDirectory)
    {
        using JsonDocument manifest = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(backupDirectory, "manifest.json")));
        return manifest.RootElement.GetProperty("disks").EnumerateArray().Select(disk => disk.GetProperty("image"))
            .Single(found => found.ValueKind == JsonValueKind.Object).GetProperty("snapshot").GetString()!;
    }

    private static string Digest(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));

    private static IEnumerable<int> ChildrenOf(int processId) =>
        Directory.EnumerateDirectories($"/proc/{processId}/task")
            .SelectMany(task => File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(text => int.Parse(text, CultureInfo.InvariantCulture));
}
