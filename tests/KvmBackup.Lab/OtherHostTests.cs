using System.Text.Json;
using System.Xml.Linq;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Guests that use more of their host than disks, restored where that is missing.</summary>
public sealed class OtherHostTests
{
    [LabFact]
    [Proves("guest: on libvirt networks, with filters", "with their definitions; restore checks the host")]
    public async Task A_guest_whose_network_filter_and_medium_are_lost_is_refused_and_restored_as_advised()
    {
        await LabNetwork.CreateAsync();
        try
        {
            await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("lost host"));
            string medium = Path.Combine(LabEnvironment.NewDirectory("media"), "setup.iso");
            await File.WriteAllBytesAsync(medium, new byte[1 << 20]);
            await LabNetwork.ConnectAsync(
                guest,
                $"<disk type='file' device='cdrom'><source file='{medium}'/><target dev='sda' bus='sata'/></disk>");
            BackupSite site = new((guest.Name, "rotate: 2"));
            JsonElement job = await site.BackUpAsync(guest.Name);
            Assert.Empty(job.GetProperty("warnings").EnumerateArray());
            using JsonDocument manifest = JsonDocument.Parse(
                await File.ReadAllTextAsync(Path.Combine(site.BackupDirectories(guest.Name)[0], "manifest.json")));
            Assert.Equal(
                ["network lab lan network-1.xml", "nwfilter lab inner nwfilter-1.xml",
                    "nwfilter lab outer nwfilter-2.xml"],
                manifest.RootElement.GetProperty("definitions").EnumerateArray().Select(one =>
                    string.Join(' ', one.EnumerateObject().Select(property => property.Value.GetString()))));
            Assert.Equal(
                medium, manifest.RootElement.GetProperty("host_resources")[0].GetProperty("name").GetString());

            await guest.UndefineAsync();
            await guest.DeleteDisksAsync();
            await LabNetwork.LoseAsync();
            File.Delete(medium);
            foreach (string[] mode in new[] { Array.Empty<string>(), ["--dry-run"] })
            {
                string refused = (await site.RunAsync(["restore", guest.Name, "--start", .. mode])).MustEndWith(2)
                    .Error;
                Assert.Contains("the network lab lan does not exist", refused, StringComparison.Ordinal);
                Assert.Contains("the network filter lab outer does not exist", refused, StringComparison.Ordinal);
                Assert.Contains($"the medium {medium} of drive sda does not exist", refused, StringComparison.Ordinal);
                Assert.False(Directory.Exists(guest.DirectoryPath));
            }

            (await site.RunAsync("restore", guest.Name, "--start", "--create-networks", "--without-media"))
                .MustSucceed();
            await guest.WaitUntilReadyAsync();

            XElement restored = await guest.InactiveXmlAsync();
            Assert.Equal(
                LabNetwork.Name, restored.Descendants("interface").Single().Element("source")!.Attribute("network")!
                    .Value);
            Assert.DoesNotContain("sda", Virsh.SourcesIn(restored).Keys);
            Assert.Contains(
                LabNetwork.Name, await Virsh.RunAsync("net-list", "--autostart"), StringComparison.Ordinal);
        }
        finally
        {
            await LabNetwork.RemoveAsync();
        }
    }

    [LabFact]
    public async Task The_advice_about_networks_pools_and_a_failed_start_helps()
    {
        await LabNetwork.CreateAsync();
        try
        {
            string pool = LabEnvironment.NewDirectory("pool");
            await LabNetwork.DefineAsync(
                "pool-define", $"<pool type='dir'><name>isos</name><target><path>{pool}</path></target></pool>");
            await Virsh.RunAsync("pool-start", "isos");
            await Virsh.RunAsync("vol-create-as", "isos", "setup.iso", "1M");
            await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("advised host"));
            await LabNetwork.ConnectAsync(
                guest,
                "<disk type='volume' device='cdrom'><source pool='isos' volume='setup.iso'/>"
                    + "<target dev='sda' bus='sata'/></disk>");
            string serial = (await guest.InactiveXmlAsync()).Descendants("serial").Single().Element("source")!
                .Attribute("path")!.Value;
            BackupSite site = new((guest.Name, "rotate: 2"));
            _ = await site.BackUpAsync(guest.Name);
            await guest.UndefineAsync();
            await guest.DeleteDisksAsync();
            await Virsh.RunAsync("pool-destroy", "isos");
            await Virsh.RunAsync("pool-undefine", "isos");
            await Virsh.RunAsync("net-destroy", LabNetwork.Name);

            TypedAdvice advice = new(site);
            string[] restore = ["restore", guest.Name, "--start"];
            string refused = (await site.RunAsync(restore)).MustEndWith(2).Error;
            _ = await advice.TypeAsync(refused, "virsh net-start --network");
            _ = await advice.TypeAsync(refused, "tar -xOf");
            _ = await advice.TypeAsync((await site.RunAsync(restore)).MustEndWith(2).Error, "virsh pool-start --pool");

            // QEMU cannot open the file of the serial console.
            Directory.Delete(Path.GetDirectoryName(serial)!, recursive: true);
            string failed = (await site.RunAsync(restore)).MustEndWith(1).Error;
            Assert.Contains("the disks are restored and the domain is defined", failed, StringComparison.Ordinal);
            Directory.CreateDirectory(Path.GetDirectoryName(serial)!);
            _ = await advice.TypeAsync(failed, "virsh start");
            await guest.WaitUntilReadyAsync();
        }
        finally
        {
            await Virsh.TryAsync("pool-destroy", "isos");
            await Virsh.TryAsync("pool-undefine", "isos");
            await LabNetwork.RemoveAsync();
        }
    }

    [LabFact]
    public async Task A_secret_of_a_guest_is_defined_from_its_backup_without_its_value()
    {
        Guid secret = Guid.NewGuid();
        await LabNetwork.DefineAsync(
            "secret-define",
            $"<secret><uuid>{secret}</uuid><usage type='volume'><volume>of the guest</volume></usage></secret>");
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("secret host")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
        });
        XElement domain = await guest.InactiveXmlAsync();
        domain.Descendants("disk").Last().Element("source")!.Add(
            XElement.Parse($"<encryption format='luks'><secret type='passphrase' uuid='{secret}'/></encryption>"));
        await LabNetwork.DefineAsync("define", domain.ToString());
        BackupSite site = new((guest.Name, "rotate: 2"));
        _ = await site.BackUpAsync(guest.Name);
        await guest.UndefineAsync();
        await guest.DeleteDisksAsync();
        await Virsh.RunAsync("secret-undefine", secret.ToString());

        Outcome defined = (await site.RunAsync("restore", guest.Name, "--define")).MustSucceed();
        _ = await new TypedAdvice(site).TypeAsync(defined.Output, "tar -xOf");

        Assert.Contains("of the guest", await Virsh.RunAsync("secret-list"), StringComparison.Ordinal);
        await Virsh.RunAsync("secret-undefine", secret.ToString());
    }

    [LabFact]
    public async Task A_guest_is_connected_to_another_network_and_runs_with_another_machine_type()
    {
        await LabNetwork.CreateAsync();
        try
        {
            await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("other machine"));
            XElement domain = await guest.InactiveXmlAsync();
            domain.Element("devices")!.Add(XElement.Parse(
                "<interface type='bridge'><source bridge='absent0'/><model type='virtio'/></interface>"));
            await LabNetwork.DefineAsync("define", domain.ToString());
            BackupSite site = new((guest.Name, "rotate: 2"));
            _ = await site.BackUpAsync(guest.Name);
            await guest.UndefineAsync();
            await guest.DeleteDisksAsync();

            string refused = (await site.RunAsync(
                "restore", guest.Name, "--define", "--machine", "pc-q35-99.9")).MustEndWith(2).Error;
            Assert.Contains("cannot run the machine type pc-q35-99.9", refused, StringComparison.Ordinal);
            refused = (await site.RunAsync("restore", guest.Name, "--start", "--emulator", "/absent/qemu"))
                .MustEndWith(2).Error;
            Assert.Contains("the emulator /absent/qemu does not exist", refused, StringComparison.Ordinal);
            Assert.Contains("the bridge absent0 does not exist", refused, StringComparison.Ordinal);
            (await site.RunAsync(
                "restore", guest.Name, "--start", "--network", $"absent0={LabNetwork.Name}", "--machine", "q35",
                "--emulator", LabEnvironment.EmulatorPath)).MustSucceed();
            await guest.WaitUntilReadyAsync();
        }
        finally
        {
            await LabNetwork.RemoveAsync();
        }
    }
}
