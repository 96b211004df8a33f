using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>The main job on a real hypervisor: back up a running guest, lose it, get it back.</summary>
public sealed class MainJobTests
{
    [LabFact]
    public async Task A_lost_guest_comes_back_with_all_it_held_and_whole_pairs()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("web 1 ä")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
            PairDisks = ("vda", "vdb"),
        });
        await guest.WriteFileAsync("/data/greeting", "hello, guest"u8.ToArray());
        await guest.WaitForPairAsync();
        BackupSite site = new((guest.Name, "rotate: 2, quiesce: require"));

        (await site.RunAsync("backup", guest.Name)).MustSucceed();
        Assert.EndsWith("vda.qcow2", await guest.SourceOfAsync("vda"), StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(guest.DirectoryPath!).Length);
        Assert.Single(site.BackupDirectories(guest.Name));
        (await site.RunAsync("verify", guest.Name)).MustSucceed();

        await guest.DestroyAsync();
        await guest.UndefineAsync();
        guest.DeleteDisks();
        (await site.RunAsync("restore", guest.Name, "--define", "--start")).MustSucceed();
        await guest.WaitUntilReadyAsync();

        Assert.Equal("hello, guest", await guest.RunAsync("cat /data/greeting"));
        Assert.True(await guest.HasPairsIntactAsync(), "the pair is torn");
    }
}
