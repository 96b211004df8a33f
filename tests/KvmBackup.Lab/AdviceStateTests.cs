using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Advised commands where files are in use or not writable, and where the definitions differ.</summary>
public sealed class AdviceStateTests
{
    private const string Recover = "kvmbackup recover";

    [LabFact(Timeout = 300_000)]
    public async Task The_advice_about_files_and_definitions_makes_the_next_run_succeed()
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("advised-state")
            {
                Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
            });
        BackupSite site = new((guest.Name, "rotate: 9"));
        TypedAdvice advice = new(site);

        await AssertOverlayInUseAsync(guest, site, advice);
        await AssertIdleDiskInUseAsync(guest, site, advice);
        await AssertDifferentDefinitionsAsync(guest, site, advice);
        await AssertDeniedBaseAsync(guest, site, advice);
        await AssertSavedGuestAsync(guest, site, advice);
    }

    /// <summary>Another process has the overlay open when it is removed.</summary>
    private static async Task AssertOverlayInUseAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        Interposer locked = new(
            "case \"$*\" in 'info -f qcow2 '*/kvmbackup.*) sleep 300 <\"$4\" >/dev/null 2>&1 & "
            + "echo 'qemu-img: Failed to get shared write lock' >&2; exit 1 ;; esac", "qemu-img");
        string message = (await locked.RunAsync(site, "run")).MustEndWith(5).Output;
        Assert.Contains("Failed to get shared write lock", message, StringComparison.Ordinal);

        await EndUsersAsync(await advice.TypeAsync(message, "fuser -v"));
        _ = await advice.TypeAsync(message, Recover);

        await AssertWellAsync(guest, site, "vdb.raw");
    }

    /// <summary>Another program writes to a disk of the inactive definition.</summary>
    private static async Task AssertIdleDiskInUseAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        string disk = Path.Combine(guest.DirectoryPath!, "vdc.raw");
        (await RunningProgram.RunAsync("truncate", "--size", "4M", disk)).MustSucceed();
        await Virsh.RunAsync(
            "attach-disk", guest.Name, disk, "vdc", "--config",
            "--targetbus", "virtio", "--driver", "qemu", "--subdriver", "raw");
        string socket = Path.Combine(LabEnvironment.NewDirectory("nbd"), "socket");
        (await RunningProgram.RunAsync(
            "qemu-nbd", "--fork", "--persistent", "--format=raw", $"--socket={socket}", disk)).MustSucceed();

        string message = (await site.RunAsync("run")).MustEndWith(1).Output;
        await EndUsersAsync(await advice.TypeAsync(message, "fuser -v"));
        (await RunningProgram.RunAsync(
            "timeout", "30", "sh", "-c", $"while fuser --silent '{disk}'; do sleep 0.1; done")).MustSucceed();

        (await site.RunAsync("run")).MustSucceed();
        await Virsh.RunAsync("detach-disk", guest.Name, "vdc", "--config");
        await AssertWellAsync(guest, site, "vdb.raw");
    }

    /// <summary>The live definition names another file than the inactive one.</summary>
    private static async Task AssertDifferentDefinitionsAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        (await RunningProgram.RunAsync(
            "cp", Path.Combine(guest.DirectoryPath!, "vdb.raw"),
            Path.Combine(guest.DirectoryPath!, "other.raw"))).MustSucceed();
        await RedefineAsync(guest, "vdb.raw", "other.raw");
        string message = (await site.RunAsync("run")).MustEndWith(1).Output;

        _ = await new TypedAdvice(site) { Editor = "sed -i s/other.raw/vdb.raw/" }.TypeAsync(message, "virsh edit");
        await AssertWellAsync(guest, site, "vdb.raw");

        await RedefineAsync(guest, "vdb.raw", "other.raw");
        message = (await site.RunAsync("run")).MustEndWith(1).Output;
        _ = await advice.TypeAsync(message, "virsh shutdown");
        await guest.WaitForStateAsync("shut off (shutdown)");
        _ = await advice.TypeAsync(message, "virsh start");
        await guest.WaitUntilReadyAsync();
        await AssertWellAsync(guest, site, "other.raw");
    }

    /// <summary>QEMU has no permission to write to the bases, and the guest cannot be saved.</summary>
    private static async Task AssertDeniedBaseAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        Interposer denying = new(
            "case \" $* \" in *' blockcommit '*) "
            + "echo \"error: Could not open 'base': Permission denied\" >&2; exit 1 ;; "
            + "*' managedsave '*) echo 'error: refused for this test' >&2; exit 1 ;; esac", "virsh");
        string message = (await denying.RunAsync(site, "--connect", "qemu:///system", "run")).MustEndWith(5).Output;
        Assert.Contains("refused for this test", message, StringComparison.Ordinal);

        _ = await advice.TypeAsync(message, "virsh --connect qemu:///system shutdown ");
        await guest.WaitForStateAsync("shut off (shutdown)");
        _ = await advice.TypeAsync(message, Recover);
        _ = await advice.TypeAsync(message, "virsh --connect qemu:///system start ");

        await guest.WaitUntilReadyAsync();
        await AssertWellAsync(guest, site, "other.raw");
    }

    /// <summary>QEMU has no permission to write to the bases, and the guest that was saved for the commit does not
    /// start.</summary>
    private static async Task AssertSavedGuestAsync(LabGuest guest, BackupSite site, TypedAdvice advice)
    {
        Interposer denying = new(
            "case \" $* \" in *' blockcommit '*) "
            + "echo \"error: Could not open 'base': Permission denied\" >&2; exit 1 ;; "
            + "*' start '*) echo 'error: refused for this test' >&2; exit 1 ;; esac", "virsh");
        await guest.RunAsync("echo remembered >/run/token");
        string message = (await denying.RunAsync(site, "run")).MustEndWith(5).Output;
        Assert.Contains("THE GUEST IS SAVED AND DOES NOT RUN", message, StringComparison.Ordinal);

        _ = await advice.TypeAsync(message, "virsh start --domain");
        await guest.WaitUntilReadyAsync();
        _ = await advice.TypeAsync(message, Recover);

        Assert.Equal("remembered\n", await guest.RunAsync("cat /run/token"));
        await AssertWellAsync(guest, site, "other.raw");
    }

    /// <summary>Ends the processes that <c>fuser</c> prints.</summary>
    private static async Task EndUsersAsync(IReadOnlyList<Outcome> shown)
    {
        string[] users = [.. shown.SelectMany(
            outcome => outcome.Output.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries))];
        Assert.NotEmpty(users);
        (await RunningProgram.RunAsync("kill", users)).MustSucceed();
    }

    private static async Task RedefineAsync(LabGuest guest, string before, string after)
    {
        string path = Path.Combine(LabEnvironment.NewDirectory("definition"), "domain.xml");
        string xml = await Virsh.RunAsync("dumpxml", "--inactive", guest.Name);
        await File.WriteAllTextAsync(path, xml.Replace($"/{before}'", $"/{after}'", StringComparison.Ordinal));
        await Virsh.RunAsync("define", path);
    }

    /// <summary>Both definitions name the disks of the guest, nothing is left, and the next run succeeds.</summary>
    private static async Task AssertWellAsync(LabGuest guest, BackupSite site, string second)
    {
        Dictionary<string, string> bases = new()
        {
            ["vda"] = Path.Combine(guest.DirectoryPath!, "vda.qcow2"),
            ["vdb"] = Path.Combine(guest.DirectoryPath!, second),
        };
        Assert.Equal(bases, Virsh.SourcesIn(await guest.LiveXmlAsync()));
        Assert.Equal(bases, Virsh.SourcesIn(await guest.InactiveXmlAsync()));
        Assert.Empty(Directory.GetFiles(guest.DirectoryPath!, "kvmbackup.*"));
        Assert.Empty(site.JournalEntries);
        (await site.RunAsync("run")).MustSucceed();
    }
}
