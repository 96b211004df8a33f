using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>
/// A full pool of a running guest: its writes block, also those of a freeze, and it cannot thaw before they continue.
/// </summary>
[Trait("Needs", "Ceph")]
public sealed class RbdFullPoolTests
{
    [LabFact]
    public async Task A_full_pool_is_reported_with_a_command_and_the_guest_is_backed_up_when_it_has_space_again()
    {
        await LabCeph.EnsureStartedAsync();
        await LabCeph.CephAsync("osd", "pool", "create", "crowded", "8");
        await LabCeph.RbdAsync("pool", "init", "crowded");
        LabRbdImage image = new("full") { Pool = "crowded" };
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("in-a-full-pool")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Rbd = image }],
        });
        _ = await guest.RunAsync("dd if=/dev/urandom of=/disk/vdb/big bs=1M count=4 2>/dev/null; sync");
        BackupSite site = new((guest.Name, "rotate: 9, full_every: 9, freeze_timeout: 5s, stall_timeout: 10s"));
        (await site.RunAsync("run")).MustSucceed();
        await LabCeph.CephAsync("osd", "pool", "set-quota", "crowded", "max_bytes", "1000000");
        await LabCeph.WaitForFullAsync("crowded", isFull: true);

        Outcome full = (await site.RunAsync("run")).MustEndWith(5);
        Assert.Contains("guest-fsfreeze-thaw", full.Output, StringComparison.Ordinal);
        Assert.Single(site.BackupDirectories(guest.Name));

        await LabCeph.CephAsync("osd", "pool", "set-quota", "crowded", "max_bytes", "0");
        await LabCeph.WaitForFullAsync("crowded", isFull: false);
        (await site.RunAsync("recover")).MustSucceed();
        string status = await Virsh.RunAsync(
            "qemu-agent-command", guest.Name, """{"execute":"guest-fsfreeze-status"}""");
        Assert.Contains("thawed", status, StringComparison.Ordinal);
        (await site.RunAsync("run")).MustSucceed();
        Assert.Single(await LabCeph.SnapshotsAsync(image));
        await guest.WaitForPairAsync();
    }
}
