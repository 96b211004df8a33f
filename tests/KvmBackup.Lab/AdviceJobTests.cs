using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Advised commands where jobs of libvirt or QEMU run, and where the guest or its overlay is another one than
/// recorded.</summary>
public sealed class AdviceJobTests
{
    private const string Recover = "kvmbackup recover";
    private const string Keys = "rotate: 9";

    [LabFact(Timeout = 900_000)]
    public async Task The_advice_about_jobs_and_overlays_makes_the_next_run_succeed()
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("advised-job")
            {
                Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
            });
        BackupSite site = new((guest.Name, Keys));
        TypedAdvice advice = new(site);

        await AssertJobAsync(guest, site, advice);
        await AssertBlockJobAsync(guest, site, advice);
        await AssertRefusedPivotAsync(guest, site, advice);
        await AssertUnfinishedCommitAsync(guest, site, advice);
        await AssertExchangedOverlayAsync(guest, site, advice);
        await AssertFrozenElsewhereAsync(guest, site, advice);
        if (CrashSite.IsFullMatrix)
        {
            // Four minutes: both wait for the end of the job.
            await AssertJobAtSnapshotAsync(guest, site, advice);
        }
    }

    /// <summary>Another program runs a backup job.</summary>
    private static async Task AssertJobAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        await Virsh.RunAsync("backup-begin", guest.Name, WriteBackup());
        string message = (await site.RunAsync("run")).MustEndWith(1).Output;

        AssertIsBackup(await advice.TypeAsync(message, "virsh domjobinfo"));

        await Virsh.RunAsync("domjobabort", guest.Name);
        await AssertWellAsync(guest, site);
    }

    /// <summary>Another program copies a disk that is on its overlay.</summary>
    private static async Task AssertBlockJobAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        string copy = Path.Combine(LabEnvironment.NewDirectory("blockcopy"), "copy.qcow2");
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
        await Virsh.RunAsync("blockcopy", guest.Name, "vda", copy, "--transient-job", "--wait");
        await paused.SignalAsync("CONT");
        string message = (await paused.WaitAsync(TimeSpan.FromMinutes(3))).MustEndWith(5).Output;

        Outcome job = Assert.Single(await advice.TypeAsync(message, "virsh blockjob"));
        Assert.Contains("Block Copy", job.Output + job.Error, StringComparison.Ordinal);
        await Virsh.RunAsync("blockjob", guest.Name, "vda", "--abort");
        _ = await advice.TypeAsync(message, Recover);

        await AssertWellAsync(guest, site);
    }

    /// <summary>The commit is ready, but libvirt refuses the pivot until the time limit.</summary>
    private static async Task AssertRefusedPivotAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        site.Configure((guest.Name, $"{Keys}, commit_timeout: 3s"));
        Interposer refusing = new(
            "case \" $* \" in *' blockjob '*' vda --pivot '*) "
            + "echo 'error: refused for this test' >&2; exit 1 ;; esac", "virsh");
        string message = (await refusing.RunAsync(site, "run")).MustEndWith(5).Output;
        Assert.Contains("refused for this test", message, StringComparison.Ordinal);
        site.Configure((guest.Name, Keys));

        _ = await advice.TypeAsync(message, "virsh blockjob --domain");
        Assert.Equal(Bases(guest)["vda"], await guest.SourceOfAsync("vda"));
        _ = await advice.TypeAsync(message, Recover);

        await AssertWellAsync(guest, site);
    }

    /// <summary>Another program began to commit the overlay of a killed run whose journal is lost.</summary>
    private static async Task AssertUnfinishedCommitAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        await KillAsync(site, "Pinned");
        File.Delete(Assert.Single(site.JournalEntries));
        await Virsh.RunAsync("blockcommit", guest.Name, "vda", "--active", "--shallow", "--wait");
        string message = (await site.RunAsync("run")).MustEndWith(5).Output;

        _ = await advice.TypeAsync(message, "virsh blockjob");
        Assert.Equal(Bases(guest)["vda"], await guest.SourceOfAsync("vda"));
        _ = await advice.TypeAsync(message, "virsh blockcommit");
        _ = await advice.TypeAsync(message, "rm");

        await AssertWellAsync(guest, site);
    }

    /// <summary>The path of an overlay names another file when it is removed.</summary>
    private static async Task AssertExchangedOverlayAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
        string overlay = await guest.SourceOfAsync("vda");
        (await RunningProgram.RunAsync("cp", overlay, $"{overlay}.other")).MustSucceed();
        File.Move($"{overlay}.other", overlay, overwrite: true);
        await paused.SignalAsync("CONT");
        string message = (await paused.WaitAsync(TimeSpan.FromMinutes(3))).MustEndWith(5).Output;

        Outcome shown = Assert.Single(await advice.TypeAsync(message, "qemu-img info -U"));
        Assert.Contains("vda.qcow2", shown.Output, StringComparison.Ordinal);
        _ = await advice.TypeAsync(message, "mv");
        _ = await advice.TypeAsync(message, Recover);

        File.Delete($"{overlay}.kept");
        await AssertWellAsync(guest, site);
    }

    /// <summary>The guest was migrated while it was frozen: this libvirt no longer has it, but another one.</summary>
    private static async Task AssertFrozenElsewhereAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        await KillAsync(site, "Frozen");
        string uuid = (await Virsh.RunAsync("domuuid", guest.Name)).Trim();
        Interposer departed = new(
            $"case \" $* \" in *{uuid}*) echo \"error: failed to get domain '{uuid}'\" >&2; exit 1 ;; "
            + "*' list '*) exit 0 ;; esac", "virsh");
        string message = (await departed.RunAsync(site, "recover")).MustSucceed().Output;

        _ = await advice.TypeAsync(message, "virsh domfsthaw");

        await guest.RunAsync("echo thawed >/disk/vda/thawed; sync");
        await AssertWellAsync(guest, site);
    }

    /// <summary>Another program begins a backup job immediately before the snapshot, which libvirt then refuses.
    /// </summary>
    private static async Task AssertJobAtSnapshotAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        Interposer preceded = new(
            $"case \" $* \" in *' snapshot-create-as '*) \"$real\" backup-begin {guest.Name} {WriteBackup()} >&2 ;; "
            + "esac", "virsh");
        await using RunningProgram running = preceded.Start(site, "run");
        string message = (await running.WaitAsync(TimeSpan.FromMinutes(4))).MustEndWith(5).Output;
        AssertIsBackup(await advice.TypeAsync(message, "virsh domjobinfo"));
        message = (await site.RunAsync("recover")).MustEndWith(5).Output;
        AssertIsBackup(await advice.TypeAsync(message, "virsh domjobinfo"));

        await Virsh.RunAsync("domjobabort", guest.Name);
        _ = await advice.TypeAsync(message, Recover);
        await AssertWellAsync(guest, site);
    }

    private static async Task KillAsync(BackupSite site, string step)
    {
        await using RunningProgram paused = await PausedProgram.StartAsync(site, step, "run");
        await CrashSite.KillWatcherAsync(paused);
        await paused.SignalAsync("KILL");
    }

    /// <summary>A backup job that lasts until it is aborted.</summary>
    /// <returns>The path of its XML.</returns>
    private static string WriteBackup()
    {
        string folder = LabEnvironment.NewDirectory("pull");
        string path = Path.Combine(folder, "backup.xml");
        File.WriteAllText(
            path,
            $"""
            <domainbackup mode='pull'>
              <server transport='unix' socket='{folder}/socket'/>
              <disks>
                <disk name='vda' backup='yes' type='file'><scratch file='{folder}/scratch'/></disk>
                <disk name='vdb' backup='no'/>
              </disks>
            </domainbackup>
            """);
        return path;
    }

    private static void AssertIsBackup(IReadOnlyList<Outcome> shown) =>
        Assert.Matches(@"Operation:\s+Backup", Assert.Single(shown).Output);

    private static Dictionary<string, string> Bases(LabGuest guest) => new()
    {
        ["vda"] = Path.Combine(guest.DirectoryPath!, "vda.qcow2"),
        ["vdb"] = Path.Combine(guest.DirectoryPath!, "vdb.raw"),
    };

    /// <summary>The guest is on its own disks in both definitions, nothing is left, and the next run succeeds.
    /// </summary>
    private static async Task AssertWellAsync(LabGuest guest, BackupSite site)
    {
        Assert.Equal(Bases(guest), Virsh.SourcesIn(await guest.LiveXmlAsync()));
        Assert.Equal(Bases(guest), Virsh.SourcesIn(await guest.InactiveXmlAsync()));
        Assert.Empty(Directory.GetFiles(guest.DirectoryPath!, "kvmbackup.*"));
        Assert.Empty(site.JournalEntries);
        (await site.RunAsync("run")).MustSucceed();
    }
}
