using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>The lab behaves as the other tests require.</summary>
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
    public async Task Flushed_content_survives_a_power_cut()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("plug"));
        await guest.WriteFileAsync("/data/kept", "still here"u8.ToArray());
        (string first, _) = await guest.FoundPairAsync();
        await guest.WaitForPairAsync();

        await guest.DestroyAsync();
        await guest.BootAsync();

        Assert.Equal("still here", await guest.RunAsync("cat /data/kept"));
        Assert.Empty(first);
        Assert.NotEmpty((await guest.FoundPairAsync()).First);
    }

    [LabFact]
    public async Task A_shutdown_by_agent_or_by_power_button_flushes_everything()
    {
        foreach (LabAgent agent in new[] { LabAgent.Ok, LabAgent.None })
        {
            await using LabGuest guest = await LabGuest.StartAsync(
                new LabGuestSpecification($"down-{agent}") { Agent = agent, Workload = "none" });
            await guest.RunAsync("echo unflushed >/data/late");

            await guest.ShutdownAsync();
            await guest.BootAsync();

            Assert.Equal("unflushed\n", await guest.RunAsync("cat /data/late"));
        }
    }

    [LabFact]
    public async Task Every_kind_of_disk_can_be_attached()
    {
        string template = Path.Combine(LabEnvironment.NewDirectory("template"), "template.qcow2");
        await LabImage.CreateAsync(new LabDisk("vda"), template);
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("kinds")
        {
            Disks =
            [
                new LabDisk("vda") { BackingPath = template },
                new LabDisk("vdb") { Format = "raw" },
                new LabDisk("vdc") { Format = "raw", IsShareable = true },
                new LabDisk("vdd") { IsReadOnly = true },
                new LabDisk("sda") { Format = "raw", Device = "cdrom", IsReadOnly = true },
                new LabDisk("sdb") { Format = "raw", Device = "cdrom", IsReadOnly = true, IsEmpty = true },
                new LabDisk("fda") { Format = "raw", Device = "floppy", SizeBytes = 1_474_560 },
            ],
        });

        string mounts = await guest.RunAsync("grep -o '/disk/vd. ext4 r[ow]' /proc/mounts");

        Assert.Equal("/disk/vda ext4 rw\n/disk/vdb ext4 rw\n/disk/vdc ext4 rw\n/disk/vdd ext4 ro\n", mounts);
        Assert.Equal(6, Virsh.SourcesIn(await guest.LiveXmlAsync()).Count);
    }
}
