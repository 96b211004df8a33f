using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>
/// Every command that a message advises is run as printed, in the state in which it is advised. Afterwards the guest is
/// intact.
/// </summary>
public sealed class AdviceTests
{
    private const string Recover = "kvmbackup recover";

    [LabFact(Timeout = 900_000)]
    public async Task The_advised_commands_put_a_guest_back_on_its_own_disks()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("advised")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
        });
        BackupSite site = new((guest.Name, "rotate: 9"));
        TypedAdvice advice = new(site);

        await AssertThawAsync(guest, site, advice);
        await AssertRefusedCommitAsync(guest, site, advice);
        await AssertLostJournalAsync(guest, site, advice, isDamaged: false);
        await AssertLostJournalAsync(guest, site, advice, isDamaged: true);
        await AssertForeignOverlayAsync(guest, site, advice);
        await AssertReleasedManuallyAsync(guest, site, advice);
        await AssertDetachedDiskAsync(guest, site, advice);
        await AssertDestroyedTransientAsync(guest, site, advice);
    }

    /// <summary>Another program froze the guest.</summary>
    private static async Task AssertThawAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        await Virsh.RunAsync("domfsfreeze", guest.Name);

        await advice.TypeAsync((await site.RunAsync("run")).MustEndWith(5).Output, "virsh domfsthaw");

        await AssertIntactAsync(guest, site);
    }

    /// <summary>Each commit is refused.</summary>
    private static async Task AssertRefusedCommitAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        string folder = LabEnvironment.NewDirectory("refusing");
        string virsh = Path.Combine(folder, "virsh");
        File.WriteAllText(
            virsh, "#!/bin/sh\ncase \"$*\" in *blockcommit*) echo 'error: refused for this test' >&2; exit 1 ;; "
                + "esac\nexec /usr/bin/virsh \"$@\"\n");
        File.SetUnixFileMode(virsh, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await using RunningProgram running = RunningProgram.Start(
            Kvmbackup.ProgramPath, ["--config", site.ConfigurationPath, "run"],
            new Dictionary<string, string> { ["PATH"] = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}" });
        string message = (await running.WaitAsync(TimeSpan.FromMinutes(3))).MustEndWith(5).Output;
        Assert.Contains("refused for this test", message, StringComparison.Ordinal);

        await advice.TypeAsync(message, "virsh blockcommit");
        await advice.TypeAsync(message, Recover);

        await AssertIntactAsync(guest, site);
    }

    /// <summary>A run was killed, and its journal cannot be read, or does not exist.</summary>
    private static async Task AssertLostJournalAsync(
        LabGuest guest, BackupSite site, TypedAdvice advice, bool isDamaged)
    {
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
        await CrashSite.KillWatcherAsync(paused);
        await paused.SignalAsync("KILL");
        if (isDamaged)
        {
            File.WriteAllText(Assert.Single(site.JournalEntries), "{");
            string damaged = (await site.RunAsync("recover")).MustEndWith(5).Output;
            await advice.TypeAsync(damaged, "rm");
            await advice.TypeAsync(damaged, "virsh domblklist");
        }
        else
        {
            File.Delete(Assert.Single(site.JournalEntries));
        }

        string message = (await site.RunAsync("run")).MustEndWith(5).Output;
        await advice.TypeAsync(message, Recover);
        await advice.TypeAsync(message, "virsh blockcommit");
        await advice.TypeAsync(message, "rm");

        await AssertIntactAsync(guest, site);
    }

    /// <summary>Another program creates an overlay above that of the backup.</summary>
    private static async Task AssertForeignOverlayAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        string foreign = Path.Combine(guest.DirectoryPath!, "foreign.qcow2");
        string printed = await DisturbAsync(guest, site, () => SnapshotAsync(guest, foreign, "--no-metadata"));
        string message = (await site.RunAsync("recover")).MustEndWith(5).Output;
        Assert.Equal(
            TypedAdvice.CommandsIn(printed, "virsh blockcommit"), TypedAdvice.CommandsIn(message, "virsh blockcommit"));
        Assert.Empty(TypedAdvice.CommandsIn(message, "mv"));

        await advice.TypeAsync(message, "virsh domblklist");
        await advice.TypeAsync(message, "virsh blockcommit");
        await advice.TypeAsync(message, "rm");
        await advice.TypeAsync(message, Recover);

        Assert.Equal(foreign, await guest.SourceOfAsync("vda"));
        await AssertMarkAsync(guest);
        await CommitForeignAsync(guest, foreign);
        await AssertIntactAsync(guest, site);
    }

    /// <summary>The guest is started from its bases again, while the overlays contain its writes.</summary>
    private static async Task AssertReleasedManuallyAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        string definition = await Virsh.RunAsync("dumpxml", "--inactive", guest.Name);
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
        await CrashSite.KillWatcherAsync(paused);
        await paused.SignalAsync("KILL");
        await WriteMarkAsync(guest);
        await guest.DestroyAsync();
        await DefineAsync(definition);
        await guest.StartAgainAsync();
        string message = (await site.RunAsync("recover")).MustEndWith(5).Output;

        await advice.TypeAsync(message, "mv");
        await advice.TypeAsync(message, Recover);

        foreach (string kept in Directory.GetFiles(guest.DirectoryPath!, "kvmbackup.*.kept"))
        {
            File.Delete(kept);
        }

        await AssertIntactAsync(guest, site);
    }

    /// <summary>A disk is detached from the running guest during the backup, but stays in the inactive
    /// definition.</summary>
    private static async Task AssertDetachedDiskAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        string printed = await DisturbAsync(guest, site, async () =>
        {
            await Virsh.RunAsync("detach-disk", guest.Name, "vdb", "--live");
            for (int look = 0; Virsh.SourcesIn(await guest.LiveXmlAsync()).ContainsKey("vdb"); look++)
            {
                Assert.True(look < 300, "The guest does not release its disk.");
                await Task.Delay(100);
            }
        });
        string message = (await site.RunAsync("recover")).MustEndWith(5).Output;
        Assert.Equal(TypedAdvice.CommandsIn(printed, "qemu-img"), TypedAdvice.CommandsIn(message, "qemu-img"));

        await advice.TypeAsync(message, "qemu-img commit");
        await advice.TypeAsync(message, Recover);

        await guest.DestroyAsync();
        await guest.StartAgainAsync();
        await AssertMarkAsync(guest);
        await AssertIntactAsync(guest, site);
    }

    /// <summary>A transient guest stops during the backup, so that its domain disappears.</summary>
    private static async Task AssertDestroyedTransientAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        string definition = await Virsh.RunAsync("dumpxml", "--inactive", guest.Name);
        string printed = await DisturbAsync(guest, site, async () =>
        {
            await guest.UndefineAsync();
            await guest.DestroyAsync();
        });
        Assert.DoesNotContain("loses nothing", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("no data is lost", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("FROZEN", printed, StringComparison.Ordinal);
        string message = (await site.RunAsync("recover")).MustEndWith(5).Output;
        Assert.Equal(2, TypedAdvice.CommandsIn(message, "qemu-img commit").Count);
        Assert.Equal(TypedAdvice.CommandsIn(printed, "qemu-img"), TypedAdvice.CommandsIn(message, "qemu-img"));

        await advice.TypeAsync(message, "qemu-img commit");
        await advice.TypeAsync(message, Recover);

        Assert.Empty(site.JournalEntries);
        await DefineAsync(definition);
        await guest.StartAgainAsync();
        await AssertMarkAsync(guest);
        await AssertIntactAsync(guest, site);
    }

    /// <summary>Pauses a run when the guest is on its overlays, writes to both disks, and calls a function.</summary>
    /// <returns>The output of the run, which must require manual action.</returns>
    private static async Task<string> DisturbAsync(LabGuest guest, BackupSite site, Func<Task> happenAsync)
    {
        await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "run");
        await WriteMarkAsync(guest);
        await happenAsync();
        await paused.SignalAsync("CONT");
        return (await paused.WaitAsync(TimeSpan.FromMinutes(3))).MustEndWith(5).Output;
    }

    private static async Task WriteMarkAsync(LabGuest guest) =>
        await guest.RunAsync(
            "for disk in vda vdb; do date +%s%N >/disk/$disk/mark; cp /disk/vda/mark /disk/$disk/mark; done; sync");

    private static async Task AssertMarkAsync(LabGuest guest) =>
        await guest.RunAsync("test -s /disk/vda/mark && cat /disk/vda/mark");

    private static async Task SnapshotAsync(LabGuest guest, string filePath, params IEnumerable<string> options) =>
        await Virsh.RunAsync(
        ["snapshot-create-as", guest.Name, "foreign", "--disk-only", .. options, "--diskspec", $"vda,file={filePath}",
            "--diskspec", "vdb,snapshot=no"]);

    private static async Task CommitForeignAsync(LabGuest guest, string filePath)
    {
        await Virsh.RunAsync("blockcommit", guest.Name, "vda", "--shallow", "--active", "--pivot");
        File.Delete(filePath);
    }

    private static async Task DefineAsync(string definition)
    {
        string path = Path.Combine(LabEnvironment.NewDirectory("definition"), "domain.xml");
        File.WriteAllText(path, definition);
        await Virsh.RunAsync("define", path);
    }

    /// <summary>The guest runs, thawed, on its own disks in both definitions; nothing is left, and the next run
    /// succeeds.</summary>
    private static async Task AssertIntactAsync(LabGuest guest, BackupSite site)
    {
        Dictionary<string, string> bases = new()
        {
            ["vda"] = Path.Combine(guest.DirectoryPath!, "vda.qcow2"),
            ["vdb"] = Path.Combine(guest.DirectoryPath!, "vdb.raw"),
        };
        Assert.Equal(bases, Virsh.SourcesIn(await guest.LiveXmlAsync()));
        Assert.Equal(bases, Virsh.SourcesIn(await guest.InactiveXmlAsync()));
        Assert.Empty(Directory.GetFiles(guest.DirectoryPath!, "kvmbackup.*"));
        Assert.Empty(site.JournalEntries);
        (await site.RunAsync("run")).MustSucceed();
    }
}
