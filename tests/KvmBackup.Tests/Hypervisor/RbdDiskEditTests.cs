using System.Xml.Linq;
using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

public sealed class RbdDiskEditTests
{
    private const string Auth = "<auth username='u'><secret type='ceph' uuid='0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f' "
        + "/></auth>";

    private const string Network =
        $"""
        <disk type='network' device='disk'><driver name='qemu' type='raw' cache='none'/>{Auth}
        <source protocol='rbd' name='rbd/old' index='2'>
        <host name='10.0.0.1' port='6789'/><host name='10.0.0.2'/></source>
        <target dev='vdb' bus='virtio'/></disk>
        """;

    private const string Way = $"<host name='10.0.0.1' port='6789' /><host name='10.0.0.2' />{Auth}";

    [Fact]
    public void An_image_gets_its_new_name_and_keeps_monitors_and_user()
    {
        XElement disk = Apply(Network, Web1.Vdb);

        Assert.Equal($"<source protocol='rbd' name='new/ns/a b'>{Way}</source>", Text(disk.Element("source")!));
        Assert.Null(disk.Element("auth"));
        Assert.Equal(
            ("network", "raw", "none"), (disk.Attribute("type")!.Value, Driver(disk, "type"), Driver(disk, "cache")));
    }

    [Fact]
    public void A_file_becomes_an_image_with_the_access_of_the_domain_s_other_image()
    {
        XElement disk = Apply(
            """
            <disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'><metadata_cache>
            <max_size unit='bytes'>1</max_size></metadata_cache></driver><source file='/a'/><backingStore type='file'>
            <format type='qcow2'/><source file='/b'/></backingStore><target dev='vda' bus='virtio'/></disk>
            """ + Network, Web1.Vda);

        Assert.Equal($"<source protocol='rbd' name='new/ns/a b'>{Way}</source>", Text(disk.Element("source")!));
        Assert.Equal(("network", "raw", "unmap"),
            (disk.Attribute("type")!.Value, Driver(disk, "type"), Driver(disk, "discard")));
        Assert.Empty(disk.Descendants("metadata_cache"));
        Assert.Null(disk.Element("backingStore"));
    }

    [Fact]
    public void Without_another_image_only_the_name_is_set_and_the_encryption_is_unchanged()
    {
        XElement disk = Apply(
            """
            <disk type='block' device='lun'><driver name='qemu' type='raw'/><source dev='/dev/vg/a'>
            <encryption format='luks'/></source><target dev='vda'/></disk>
            """, Web1.Vda);

        Assert.Equal(
            "<source protocol='rbd' name='new/ns/a b'><encryption format='luks' /></source>",
            Text(disk.Element("source")!));
        Assert.Equal("disk", disk.Attribute("device")!.Value);
    }

    [Theory]
    [InlineData("/dev/rbd/rbd/old")]
    [InlineData("/dev/rbd7")]
    public void A_mapped_disk_stays_mapped_with_the_name_of_its_new_image(string path)
    {
        XElement disk = Apply(
            $"<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='{path}' index='1'/>"
            + $"<target dev='vda'/></disk>{Network}", Web1.Vda);

        Assert.Equal(("block", "/dev/rbd/new/ns/a b"),
            (disk.Attribute("type")!.Value, disk.Element("source")!.Attribute("dev")!.Value));
        Assert.Null(disk.Element("source")!.Attribute("protocol"));
    }

    [Fact]
    public void A_logical_volume_in_a_group_named_like_the_driver_is_not_a_mapped_device() => Assert.Equal(
        "network",
        Apply("<disk type='block'><source dev='/dev/rbd_group/a'/><target dev='vda'/></disk>", Web1.Vda).Attribute(
            "type")!.Value);

    private static XElement Apply(string disks, DiskTarget target)
    {
        DomainEdit edit = new(null, new Dictionary<DiskTarget, string>(), new Dictionary<string, string>())
        {
            DiskImages = new Dictionary<DiskTarget, RbdImage> { [target] = RbdImage.Parse("new/ns/a b") },
        };
        XElement domain = XElement.Parse(DomainXmlEditor.Apply($"<domain><devices>{disks}</devices></domain>", edit));
        return domain.Descendants("disk")
            .Single(disk => disk.Element("target")!.Attribute("dev")!.Value == target.Value);
    }

    private static string Driver(XElement disk, string name) => disk.Element("driver")!.Attribute(name)!.Value;

    private static string Text(XElement element) => element.ToString(SaveOptions.DisableFormatting).Replace('"', '\'');
}
