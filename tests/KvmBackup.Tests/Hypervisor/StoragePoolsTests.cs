using System.Xml.Linq;
using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

/// <summary>Disks that are volumes, as libvirt 9.0 showed them before, during and after a backup.</summary>
public sealed class StoragePoolsTests
{
    private const string Dumped = "dumpxml --domain";
    private const string DumpedInactive = "dumpxml --inactive";
    private const string Pool = "pool-dumpxml --pool p1";

    private const string Volume =
        "<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='p1' volume='a.qcow2'/>"
        + "<target dev='vda'/></disk>";

    private const string OnOverlay =
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/pools/o.qcow2' index='3'/>"
        + "<backingStore type='volume' index='2'><format type='qcow2'/><source pool='p1' volume='a.qcow2'/>"
        + "<backingStore/></backingStore><mirror type='volume' job='active-commit' ready='yes'><format type='qcow2'/>"
        + "<source pool='p1' volume='a.qcow2' index='2'/></mirror><target dev='vda'/></disk>";

    private readonly RecordedShell shell = new();
    private readonly LibvirtHost host;

    public StoragePoolsTests() => host = new LibvirtHost(new Virsh(shell, null));

    [Theory]
    [InlineData("dir", "/pools", DiskSourceType.File, "/pools/a.qcow2")]
    [InlineData("fs", "/pools/", DiskSourceType.File, "/pools/a.qcow2")]
    [InlineData("netfs", "/pools", DiskSourceType.File, "/pools/a.qcow2")]
    [InlineData("logical", "/dev/vg", DiskSourceType.Block, "/dev/vg/a.qcow2")]
    [InlineData("iscsi", "/dev/disk/by-path", DiskSourceType.Block, "/dev/disk/by-path/ip-lun-1")]
    public async Task A_volume_is_the_file_or_device_of_its_pool(
        string type, string folder, DiskSourceType kind, string path)
    {
        shell.On(Pool, Repeat(PoolXml(type, folder)))
            .On("vol-path --vol a.qcow2 --pool p1", Repeat("/dev/disk/by-path/ip-lun-1\n\n"));

        DiskFacts disk = await ReadAsync(Volume, Volume);

        Assert.Equal((kind, path, null), (disk.SourceType, disk.SourcePath, disk.Refusal));
        Assert.Equal(new PoolVolume("p1", "a.qcow2"), disk.Volume);
        Assert.Null(disk.Difference);
    }

    [Theory]
    [InlineData("rbd", "a.qcow2", "a pool of the type rbd, which is not supported; use the image itself")]
    [InlineData("gluster", "a.qcow2", "a pool of the type gluster, which is not supported")]
    [InlineData("dir", "../etc/shadow", "which is no name of a volume")]
    [InlineData("dir", "..", "which is no name of a volume")]
    public async Task A_volume_without_a_path_is_refused_by_name(string type, string name, string because)
    {
        shell.On(Pool, Repeat(PoolXml(type, "/pools")));
        string disk = Volume.Replace("a.qcow2", name, StringComparison.Ordinal);

        DiskFacts facts = await ReadAsync(disk, disk);

        Assert.StartsWith($"is the volume {name} of the storage pool p1, {because}", facts.Refusal,
            StringComparison.Ordinal);
        Assert.Null(facts.SourcePath);
    }

    [Fact]
    public async Task A_missing_pool_and_a_network_disk_of_iSCSI_are_refused_by_name()
    {
        Reply missing = Reply.Bad("error: failed to get pool 'p1'");
        shell.On(Pool, missing, missing);
        string direct = Volume.Replace("volume='a.qcow2'", "volume='a' mode='direct'", StringComparison.Ordinal);

        Assert.Contains(
            "which cannot be found: virsh reported: error: failed to get pool 'p1'",
            (await ReadAsync(Volume, Volume)).Refusal, StringComparison.Ordinal);
        Assert.Contains("mode='direct'", (await ReadAsync(direct, direct)).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_states_of_a_disk_have_the_path_of_the_volume_on_the_overlay_and_below()
    {
        shell.On(Pool, Reply.Good(PoolXml("dir", "/pools"))).On(
            Dumped, Reply.Good(Domain(OnOverlay)), Reply.Good(Domain(Volume)));

        DiskState pinned = await StateAsync();
        DiskState released = await StateAsync();

        Assert.Equal(("/pools/o.qcow2", "active-commit"), (pinned.SourcePath, pinned.BlockJob));
        Assert.Equal(["/pools/a.qcow2"], pinned.Backing);
        Assert.Equal(("/pools/a.qcow2", null), (released.SourcePath, released.BlockJob));

        // The path was found before, and is used while the states are polled.
        Assert.Equal(1, shell.Count(Pool));
    }

    [Fact]
    public async Task A_volume_that_cannot_be_resolved_is_neither_the_base_nor_a_detached_disk()
    {
        shell.On(Pool, Reply.Bad("error: no such pool")).On(Dumped, Reply.Good(Domain(Volume)));

        Assert.Equal("the volume a.qcow2 of the storage pool p1", (await StateAsync()).SourcePath);
    }

    [Fact]
    public async Task A_running_guest_on_the_file_has_the_volume_of_its_definition()
    {
        shell.On(Pool, Repeat(PoolXml("dir", "/pools")));
        const string File = "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
            + "<source file='/pools/a.qcow2'/><target dev='vda'/></disk>";

        DiskFacts disk = await ReadAsync(File, Volume);

        Assert.Equal((new PoolVolume("p1", "a.qcow2"), null), (disk.Volume, disk.Difference));
    }

    [Fact]
    public void Only_a_disk_of_the_type_volume_is_one() => Assert.Null(DomainXml.DiskVolume(
        Domain("<disk type='file'><source file='/a' pool='p1' volume='a.qcow2'/><target dev='vda'/></disk>"),
        new DiskTarget("vda")));

    [Fact]
    public void A_shut_off_guest_returns_from_the_overlay_to_its_volume()
    {
        PlannedOverlay overlay = new(new DiskTarget("vda"), "/pools/a.qcow2", "qcow2", "/pools/o.qcow2")
        {
            Volume = new PoolVolume("p1", "a.qcow2") { Mode = "host" },
        };

        string xml = DomainXmlEditor.PutOnBase(Domain(OnOverlay), overlay, isBlockDevice: false);

        XElement disk = XElement.Parse(xml).Descendants("disk").Single();
        Assert.Equal("volume", disk.Attribute("type")!.Value);
        Assert.Equal(
            "<source pool=\"p1\" volume=\"a.qcow2\" mode=\"host\" />", disk.Element("source")!.ToString());
        Assert.Equal(xml, DomainXmlEditor.PutOnBase(xml, overlay, isBlockDevice: false));
    }

    [Theory]
    [InlineData(true, "<source pool=\"p1\" volume=\"a.qcow2\" />")]
    [InlineData(false, "<source file=\"/new/a.qcow2\" />")]
    public void A_restored_volume_stays_one_in_its_place_and_is_a_file_elsewhere(bool keeps, string source)
    {
        DomainEdit edit = new(
            null, new Dictionary<DiskTarget, string> { [new DiskTarget("vda")] = "/new/a.qcow2" },
            new Dictionary<string, string>())
        {
            KeepsVolumes = keeps,
        };

        XElement disk = XElement.Parse(DomainXmlEditor.Apply(Domain(Volume), edit)).Descendants("disk").Single();

        Assert.Equal(source, disk.Element("source")!.ToString());
        Assert.Equal(keeps ? "volume" : "file", disk.Attribute("type")!.Value);
    }

    private async Task<DiskFacts> ReadAsync(string live, string inactive)
    {
        shell.On(DumpedInactive, Reply.Good(Domain(inactive))).On(Dumped, Reply.Good(Domain(live)));
        return Assert.Single((await host.SummarizeAsync(Web1.Identity, CancellationToken.None)).Disks);
    }

    private async Task<DiskState> StateAsync()
    {
        IReadOnlyDictionary<DiskTarget, DiskState> states =
            await host.DiskStatesAsync(Web1.Identity, isInactive: false, CancellationToken.None);
        return Assert.Single(states).Value;
    }

    private static string Domain(string disks) =>
        $"<domain type='kvm'><name>web1</name><devices>{disks}</devices></domain>";

    private static string PoolXml(string type, string folder) =>
        $"<pool type='{type}'><name>p1</name><target><path>{folder}</path></target></pool>";

    private static Reply[] Repeat(string output) => [Reply.Good(output), Reply.Good(output)];
}
