using System.Diagnostics;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>The lab does what the other tests rely on.</summary>
public sealed class LabTests
{
    [LabFact]
    public async Task A_guest_boots_and_runs_commands()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("web 1 ä"));

        await guest.WriteFileAsync("/data/greeting", "hello, guest"u8.ToArray());

        Assert.Equal("hello, guest", await guest.RunAsync("cat /data/greeting"));
        Assert.Equal("hello, guest"u8.ToArray(), await guest.ReadFileAsync("/data/greeting"));
        Assert.Equal(3, (await guest.ExecAsync("exit 3")).ExitCode);
    }

    [LabFact]
    public async Task A_snapshot_in_a_freeze_is_merged_back_and_its_base_holds_a_whole_pair()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("pair")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
            PairDisks = ("vda", "vdb"),
        });
        await Task.Delay(1000);

        await Virsh.RunAsync("domfsfreeze", guest.Name);
        await Virsh.RunAsync("snapshot-create-as", guest.Name, "--disk-only", "--atomic", "--no-metadata", "lab");
        await Virsh.RunAsync("domfsthaw", guest.Name);
        string vda = await CopyAsync(guest, "vda.qcow2"), vdb = await CopyAsync(guest, "vdb.raw");
        foreach (string target in new[] { "vda", "vdb" })
        {
            Assert.EndsWith(".lab", await guest.SourceOfAsync(target), StringComparison.Ordinal);
            await Virsh.RunAsync("blockcommit", guest.Name, target, "--active", "--pivot");
        }

        Assert.EndsWith("vda.qcow2", await guest.SourceOfAsync("vda"), StringComparison.Ordinal);
        await using LabGuest copy = await LabGuest.StartAsync(new LabGuestSpecification("pair copy")
        {
            Disks = [new LabDisk("vda") { ExistingPath = vda }, new LabDisk("vdb") { ExistingPath = vdb, Format = "raw" }],
            PairDisks = ("vda", "vdb"),
        });
        Assert.True(await copy.HasPairsIntactAsync());
    }

    private static async Task<string> CopyAsync(LabGuest guest, string file)
    {
        string copy = Path.Combine(LabEnvironment.NewDirectory("copy"), file);
        await using FileStream from = File.OpenRead(Path.Combine(guest.DirectoryPath!, file));
        await using FileStream to = File.Create(copy);
        await from.CopyToAsync(to);
        return copy;
    }
}
