using System.Xml.Linq;
using KvmBackup.Hypervisor;

namespace KvmBackup.Tests.Hypervisor;

/// <summary>What a definition requires of its host, and how a restore changes that.</summary>
public sealed class DomainRequirementsTests
{
    private const string Cards = """
        <interface type='network'><source network='lan' portid='x'/><filterref filter='no-spoofing'/></interface>
        <interface type='network'><source network='lan'/></interface>
        <interface type='bridge'><source bridge='br0'/><virtualport type='openvswitch'/></interface>
        <interface type='direct'><source dev='eth1' mode='bridge'/></interface>
        <interface type='hostdev'><source><address type='pci' domain='0' bus='0x1f' slot='2' function='0x7'/></source>
        </interface>
        <interface type='user'/>
        """;

    private const string Drives = """
        <disk type='file' device='cdrom'><source file='/iso/a.iso'/><target dev='sda'/></disk>
        <disk type='file' device='cdrom'><source file='/iso/b.iso' startupPolicy='optional'/><target dev='sdb'/></disk>
        <disk type='file' device='cdrom'><target dev='sdc'/></disk>
        <disk type='block' device='floppy'><source dev='/dev/fd0'/><target dev='fda'/></disk>
        <disk type='volume' device='cdrom'><source pool='isos' volume='c.iso'/><target dev='sdd'/></disk>
        <disk type='network' device='cdrom'><source protocol='https' name='d.iso'/><target dev='sde'/></disk>
        """;

    private const string Others = """
        <disk type='file' device='disk'><source file='/images/a'><encryption format='luks'>
          <secret type='passphrase' usage='/images/a'/></encryption></source><target dev='vda'/></disk>
        <disk type='network' device='disk'><source protocol='rbd' name='p/i'><auth username='u'>
          <secret type='ceph' uuid='5b4f6f0e-6a2f-4a53-9f0e-000000000001'/></auth></source><target dev='vdb'/></disk>
        <tpm model='tpm-crb'><backend type='emulator'><encryption secret='5b4f6f0e-6a2f-4a53-9f0e-000000000002'/>
        </backend></tpm>
        <hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
        </source></hostdev>
        <hostdev mode='subsystem' type='usb'><source><vendor id='0x0951'/><product id='0x1625'/></source></hostdev>
        <hostdev mode='subsystem' type='usb'><source startupPolicy='optional'><vendor id='0x1'/><product id='0x2'/>
        </source></hostdev>
        <hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>
        <filesystem type='mount'><source dir='/srv/share'/><target dir='share'/></filesystem>
        """;

    [Fact]
    public void Networks_bridges_and_devices_of_network_cards_are_found_once() => Assert.Equal(
        ["Network lan", "Nwfilter no-spoofing", "Bridge br0", "NetworkDevice eth1", "Pci 0000:1f:02.7"],
        Find(Definition(Cards)));

    [Fact]
    public void Media_are_found_unless_they_are_optional_and_volumes_by_their_pool() => Assert.Equal(
        ["Pool isos", "Medium /iso/a.iso sda", "Medium /dev/fd0 fda"], Find(Definition(Drives)));

    [Fact]
    public void Secrets_host_devices_and_folders_are_found() => Assert.Equal(
        [
            "Secret /images/a", "Secret 5b4f6f0e-6a2f-4a53-9f0e-000000000001",
            "Secret 5b4f6f0e-6a2f-4a53-9f0e-000000000002", "Pci 0000:01:00.0", "Usb 0951:1625", "Folder /srv/share",
            "Disk /images/a vda",
        ],
        Find(Definition(Others)));

    [Fact]
    public void Firmware_huge_pages_and_the_machine_are_found()
    {
        string xml = """
            <domain type='kvm'><os><type arch='x86_64' machine='pc-q35-9.0'>hvm</type><loader>/fw/CODE.fd</loader>
            <nvram template='/fw/VARS.fd'>/nvram/web1.fd</nvram></os>
            <memoryBacking><hugepages><page size='1' unit='GiB'/></hugepages></memoryBacking>
            <devices><emulator>/usr/bin/qemu</emulator></devices></domain>
            """;

        Assert.Equal(
            ["Hugepages 1 GiB", "Firmware /fw/CODE.fd", "NvramTemplate /fw/VARS.fd"], Find(xml));
        Assert.Equal(["Hugepages default"], Find("<domain><memoryBacking><hugepages/></memoryBacking></domain>"));
        Assert.Equal(
            new MachineRequirement("/usr/bin/qemu", "x86_64", "pc-q35-9.0", "kvm"),
            DomainRequirements.FindMachine(xml));
        Assert.Equal(
            new MachineRequirement(null, null, null, "qemu"),
            DomainRequirements.FindMachine("<domain type='qemu'/>"));
    }

    [Fact]
    public void A_firmware_that_libvirt_selects_is_not_required_by_a_path() =>
        Assert.Empty(Find("<domain><os firmware='efi'><loader secure='no'/><nvram/></os></domain>"));

    [Fact]
    public void Network_cards_are_connected_to_the_new_network_and_keep_all_else()
    {
        XElement edited = Edit(
            Definition("""
                <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>
                <virtualport type='openvswitch'/><model type='virtio'/></interface>
                """ + "<interface type='network'><source network='other'/></interface>"),
            new HostEdit { Networks = new Dictionary<string, string> { ["br0"] = "lan" } });

        XElement[] cards = [.. edited.Descendants("interface")];
        Assert.Equal(("network", "lan"), (cards[0].Attribute("type")!.Value, NetworkOf(cards[0])));
        Assert.Equal(["mac", "source", "model"], cards[0].Elements().Select(element => element.Name.LocalName));
        Assert.Null(cards[0].Element("source")!.Attribute("bridge"));
        Assert.Equal("other", NetworkOf(cards[1]));
    }

    [Fact]
    public void Without_media_all_drives_stay_empty_and_disks_are_unchanged()
    {
        string xml = Definition(Drives + Others);

        XElement edited = Edit(xml, new HostEdit { RemovesMedia = true });

        Assert.Equal(8, edited.Descendants("disk").Count());
        Assert.DoesNotContain(Find(edited.ToString()), line =>
            line.StartsWith("Medium", StringComparison.Ordinal) || line.StartsWith("Pool", StringComparison.Ordinal));
        Assert.All(
            DomainXml.Disks(edited).Where(disk => disk.Device != "disk"),
            disk => Assert.Equal(DiskSourceType.None, disk.SourceType));
        Assert.Contains("Disk /images/a vda", Find(edited.ToString()));
    }

    [Fact]
    public void Emulator_and_machine_are_replaced()
    {
        string xml = "<domain><os><type arch='x86_64' machine='pc'>hvm</type></os><devices><emulator>/a</emulator>"
            + "</devices></domain>";

        XElement edited = Edit(xml, new HostEdit { Emulator = "/b", Machine = "q35" });

        Assert.Equal(
            new MachineRequirement("/b", "x86_64", "q35", "kvm"), DomainRequirements.FindMachine(edited.ToString()));
        Assert.Equal(xml, Edit(xml, HostEdit.None).ToString(SaveOptions.DisableFormatting).Replace('"', '\''));
    }

    private static string Definition(string devices) => $"<domain><devices>{devices}</devices></domain>";

    private static string[] Find(string xml) =>
        [.. DomainRequirements.Find(xml).Select(one => $"{one.Kind} {one.Name} {one.Disk}".TrimEnd())];

    private static string NetworkOf(XElement card) => card.Element("source")!.Attribute("network")!.Value;

    private static XElement Edit(string xml, HostEdit edit) => XElement.Parse(DomainXmlEditor.Apply(
        xml, new DomainEdit(null, new Dictionary<DiskTarget, string>(), new Dictionary<string, string>())
        {
            Host = edit,
        }));
}
