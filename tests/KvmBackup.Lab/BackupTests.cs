using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>The main case: a guest that writes continuously is backed up, lost, and restored.</summary>
public sealed class BackupTests
{
    [LabFact]
    [Proves("guest: running, with an agent", "file systems frozen for the snapshot")]
    public async Task A_lost_guest_is_restored_with_its_content()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("web1")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
            Workload = "pair,log,churn",
            PairDisks = ("vda", "vdb"),
            NamesKernel = true,
        });
        BackupSite site = new(("web1", "rotate: 2"));
        string content = await WriteContentAsync(guest);
        await guest.WaitForPairAsync();

        _ = await site.BackUpAsync("web1");
        (await site.RunAsync("verify", "web1")).MustSucceed();
        await guest.LoseAsync();
        (await site.RunAsync("restore", "web1", "--start")).MustSucceed();
        await guest.WaitUntilReadyAsync();

        Assert.Equal(content, await ReadContentAsync(guest));
        Assert.True(await guest.HasPairsIntactAsync());
        Assert.NotEqual("0", (await guest.RunAsync("cat /data/log | wc -l")).Trim());
    }

    [LabFact]
    public async Task A_backup_leaves_no_trace_in_a_running_guest()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("traceless")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
            Workload = "log,churn",
        });
        BackupSite site = new((guest.Name, "rotate: 2"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        TimeSpan processorTime = await Virsh.ProcessorTimeAsync(guest.Name);

        JsonElement job = await site.BackUpAsync(guest.Name);

        await before.AssertUnchangedAsync(site);
        Assert.True(processorTime < await Virsh.ProcessorTimeAsync(guest.Name), "The guest was restarted.");
        Assert.Equal("filesystem", job.GetProperty("backup").GetProperty("consistency").GetString());
        Assert.Empty(job.GetProperty("warnings").EnumerateArray());
    }

    [LabFact]
    public async Task A_backup_is_readable_only_by_its_owner()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("private"));
        BackupSite site = new((guest.Name, "rotate: 2"));

        _ = await site.BackUpAsync(guest.Name);

        string directory = site.BackupDirectories(guest.Name).Single();
        const UnixFileMode File600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(File600 | UnixFileMode.UserExecute, File.GetUnixFileMode(directory));
        Assert.All(Directory.GetFiles(directory), file => Assert.Equal(File600, File.GetUnixFileMode(file)));
        Outcome members = await RunningProgram.RunAsync("tar", "-tvf", site.NewestArchive(guest.Name));
        Assert.All(
            members.MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.Matches("^(-rw-------|drwx------)", line));
    }

    [LabFact]
    [Proves("guest: shut off", "read in place; it must stay off")]
    public async Task A_guest_that_is_shut_off_is_backed_up_offline()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("off"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        string content = await WriteContentAsync(guest);
        await guest.ShutdownAsync();
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        JsonElement job = await site.BackUpAsync(guest.Name);
        await before.AssertUnchangedAsync(site);
        await guest.UndefineAsync();
        await guest.DeleteDisksAsync();
        (await site.RunAsync("restore", guest.Name, "--define")).MustSucceed();
        Assert.Equal("shut off", await guest.StateAsync());
        await guest.BootAsync();

        Assert.Equal("offline", job.GetProperty("backup").GetProperty("consistency").GetString());
        Assert.Equal(content, await ReadContentAsync(guest));
    }

    /// <summary>Writes random files to every disk, flushes them, and returns their checksums.</summary>
    private static async Task<string> WriteContentAsync(LabGuest guest)
    {
        _ = await guest.RunAsync(
            """
            for disk in /disk/*; do
              for n in 1 2 3; do dd if=/dev/urandom of=$disk/kept.$n bs=300k count=$n; done
            done
            sync
            """);
        return await ReadContentAsync(guest);
    }

    private static async Task<string> ReadContentAsync(LabGuest guest) =>
        await guest.RunAsync("sha256sum /disk/*/kept.*");
}
