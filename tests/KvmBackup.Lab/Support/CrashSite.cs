using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Xml.Linq;
using KvmBackup.Model;

namespace KvmBackup.Lab.Support;

/// <summary>A guest with two disks that writes pairs across them, its backups, and the program held at a step.</summary>
public sealed class CrashSite : IAsyncDisposable
{
    /// <summary>Runs every step; without it a seeded selection that always holds the most delicate ones.</summary>
    public const string FullMatrixVariable = "KVMBACKUP_FULL_MATRIX";

    private const int SelectedSteps = 6;

    private static readonly JobStep[] StepsOfADisk =
    [
        JobStep.Read, JobStep.Releasing, JobStep.Committing, JobStep.Ready, JobStep.Pivoted, JobStep.OnBase, JobStep.Released,
    ];

    private readonly List<(string Path, string Digest)> earlier = [];
    private int marks;

    private CrashSite(LabGuest guest, BackupSite site)
    {
        Guest = guest;
        Site = site;
    }

    public static bool IsFullMatrix => Environment.GetEnvironmentVariable(FullMatrixVariable) is { Length: > 0 };

    public LabGuest Guest { get; }

    public BackupSite Site { get; }

    /// <summary>Boots the guest and makes a first backup that must outlive everything.</summary>
    public static async Task<CrashSite> CreateAsync(string name)
    {
        LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification(name)
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
            PairDisks = ("vda", "vdb"),
        });
        CrashSite site = new(guest, new BackupSite((name, "rotate: 100")));
        (await site.Site.RunAsync("run")).MustSucceed();
        site.Remember();
        return site;
    }

    /// <summary>All steps by their own names, so that a new one cannot be forgotten; those of a disk for each disk.</summary>
    public IReadOnlyList<string> Steps(int seed)
    {
        string[] all = [.. Enum.GetValues<JobStep>().SelectMany(step => StepsOfADisk.Contains(step)
            ? new[] { $"{step}:vda", $"{step}:vdb" } : [step.ToString()])];
        if (IsFullMatrix)
        {
            return all;
        }

        string[] delicate = ["Snapshotted", "Committing:vdb", "Pivoted:vda"];
        string[] rest = [.. all.Except(delicate)];
        new Random(seed).Shuffle(rest);
        return [.. delicate, .. rest.Take(SelectedSteps - delicate.Length)];
    }

    /// <summary>Starts a run and returns when it is held after a step; null when the run has no such step.</summary>
    public async Task<RunningProgram?> HoldAsync(string step)
    {
        await Guest.WriteFileAsync($"/data/mark.{++marks}", System.Text.Encoding.UTF8.GetBytes($"mark {marks}"));
        return await HeldProgram.StartAsync(Site, step, "run");
    }

    /// <summary>Kills the watcher of a held run, so that nobody stands by.</summary>
    public async Task KillWatcherAsync(RunningProgram held)
    {
        foreach (int child in ChildrenOf(held.ProcessId).Where(child =>
            File.ReadAllText($"/proc/{child}/cmdline").Contains("watch-run", StringComparison.Ordinal)))
        {
            (await RunningProgram.RunAsync("kill", "-s", "KILL", child.ToString(CultureInfo.InvariantCulture))).MustSucceed();
        }
    }

    public async Task WaitUntilMendedAsync(string step)
    {
        string journal = Path.Combine(Site.StatePath, "journal");
        Stopwatch clock = Stopwatch.StartNew();
        while (Directory.Exists(journal) && Directory.EnumerateFiles(journal, "*.json").Any())
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{step}: the watcher does not mend it");
            await Task.Delay(100);
        }
    }

    /// <summary>The guest runs, thawed, on its base by both definitions, without job and overlay, with all it wrote.</summary>
    public async Task AssertGuestIsWellAsync(string step)
    {
        Assert.Equal("running", await Guest.StateAsync());
        await AssertDisksAreWellAsync(step);
        string status = await Virsh.RunAsync(
            "qemu-agent-command", Guest.Name, """{"execute":"guest-fsfreeze-status"}""");
        Assert.True(status.Contains("thawed", StringComparison.Ordinal), $"{step}: {status}");
        for (int mark = 1; mark <= marks; mark++)
        {
            Assert.Equal($"mark {mark}", await Guest.RunAsync($"cat /data/mark.{mark}"));
        }

        foreach ((string path, string digest) in earlier)
        {
            Assert.True(digest == Digest(path), $"{step}: {path} is no longer what it was");
        }
    }

    /// <summary>Both definitions are on the base, and no job, overlay or journal entry is left.</summary>
    public async Task AssertDisksAreWellAsync(string step)
    {
        foreach (XElement xml in new[] { await Guest.LiveXmlAsync(), await Guest.InactiveXmlAsync() })
        {
            IReadOnlyDictionary<string, string> sources = Virsh.SourcesIn(xml);
            Assert.Equal(Path.Combine(Guest.DirectoryPath!, "vda.qcow2"), sources["vda"]);
            Assert.Equal(Path.Combine(Guest.DirectoryPath!, "vdb.raw"), sources["vdb"]);
            Assert.Empty(xml.Descendants("mirror"));
        }

        string[] left = [.. Directory.GetFiles(Guest.DirectoryPath!).Where(file =>
            Path.GetFileName(file).StartsWith("kvmbackup.", StringComparison.Ordinal))];
        Assert.True(left.Length == 0, $"{step}: left behind: {string.Join(", ", left)}");
        string journal = Path.Combine(Site.StatePath, "journal");
        Assert.True(!Directory.Exists(journal) || !Directory.EnumerateFiles(journal, "*.json").Any(), $"{step}: still journalled");
    }

    public async Task AssertNextBackupIsGoodAsync(string step)
    {
        Outcome run = await Site.RunAsync("--wait", "30", "run");
        Assert.True(run.ExitCode == 0, $"{step}: the next run ended with {run.ExitCode}\n{run.Output}\n{run.Error}");
        (await Site.RunAsync("verify", Guest.Name)).MustSucceed();
        Assert.DoesNotContain(
            Site.BackupDirectories(Guest.Name), directory => directory.EndsWith(".partial", StringComparison.Ordinal));
        Remember();
    }

    /// <summary>From now on the backups that there are must stay as they are.</summary>
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

    private static string Digest(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));

    private static IEnumerable<int> ChildrenOf(int processId) =>
        Directory.EnumerateDirectories($"/proc/{processId}/task")
            .SelectMany(task => File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(text => int.Parse(text, CultureInfo.InvariantCulture));
}
