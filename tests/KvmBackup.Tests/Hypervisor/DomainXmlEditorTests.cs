using System.Xml.Linq;
using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

public sealed class DomainXmlEditorTests
{
    private static readonly string Web1Xml = Recording.Read("running/dumpxml-security-inactive").Output;

    [Fact]
    public void Without_an_edit_the_XML_is_unchanged() => Assert.True(
        XNode.DeepEquals(XElement.Parse(Web1Xml), Apply(Web1Xml)));

    [Fact]
    public void A_disk_gets_its_new_path_and_the_others_are_unchanged()
    {
        XElement domain = Apply(Web1Xml, disk: "/new/a & b.qcow2");

        Assert.Equal(
            ["/new/a & b.qcow2", $"{Web1.Images}/web1-data.img"],
            domain.Descendants("disk").Elements("source").Select(source => source.Attribute("file")!.Value));
        Assert.Equal(Web1.Uuid.ToString(), domain.Element("uuid")!.Value);
    }

    [Fact]
    public void A_block_device_becomes_a_file_without_a_recorded_chain()
    {
        XElement disk = Apply(
            """
            <domain><devices><disk type="block"><source dev="/dev/vg/a" index="1"/><backingStore type="file"><format
            type="qcow2"/><source file="/old"/></backingStore><target dev="vda"/></disk></devices></domain>
            """,
            disk: "/new/vda.raw").Descendants("disk").Single();

        Assert.Equal("file", disk.Attribute("type")!.Value);
        Assert.Equal("<source file=\"/new/vda.raw\" />", disk.Element("source")!.ToString());
        Assert.Null(disk.Element("backingStore"));
    }

    [Fact]
    public void The_encryption_of_a_disk_is_unchanged()
    {
        XElement source = Apply(
            """
            <domain><devices><disk type="file"><source file="/old"><encryption format="luks">
            <secret type="passphrase" uuid="0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f"/></encryption></source>
            <target dev="vda"/></disk></devices></domain>
            """,
            disk: "/new").Descendants("source").Single();

        Assert.Equal("luks", source.Element("encryption")!.Attribute("format")!.Value);
    }

    [Fact]
    public void A_copy_gets_its_own_name_and_libvirt_creates_the_rest()
    {
        XElement domain = Apply(
            """
            <domain><name>web1</name><uuid>5b4f6f0e-6a2f-4a53-9f0e-0123456789ab</uuid><genid>x</genid>
            <sysinfo type="smbios"><system><entry name="uuid">5b4f6f0e-6a2f-4a53-9f0e-0123456789ab</entry>
            <entry name="serial">7</entry></system></sysinfo>
            <devices><interface type="network"><mac address="52:54:00:11:22:33"/><source network="n"/></interface>
            </devices></domain>
            """,
            newName: "web 2");

        Assert.Equal("web 2", domain.Element("name")!.Value);
        Assert.Null(domain.Element("uuid"));
        Assert.Null(domain.Element("genid"));
        Assert.Empty(domain.Descendants("mac"));
        Assert.Equal("serial", Assert.Single(domain.Descendants("entry")).Attribute("name")!.Value);
        Assert.Single(domain.Descendants("interface").Elements("source"));
    }

    [Fact]
    public void A_copy_that_replaces_a_domain_keeps_its_UUID()
    {
        // libvirt: operation failed: domain 'copy' already exists with uuid ...
        DomainEdit edit =
            new(new DomainName("copy"), new Dictionary<DiskTarget, string>(), new Dictionary<string, string>())
            {
                CopyUuid = Web1.Uuid,
            };

        XElement domain =
            XElement.Parse(DomainXmlEditor.Apply("<domain><name>web1</name><uuid>1</uuid></domain>", edit));

        Assert.Equal($"{Web1.Uuid}", Assert.Single(domain.Elements("uuid")).Value);
    }

    [Fact]
    public void Kernel_initrd_and_firmware_go_to_their_new_paths()
    {
        Dictionary<string, string> files = new() { ["/k"] = "/new/k", ["/n"] = "/new/n" };
        DomainEdit edit = new(null, new Dictionary<DiskTarget, string>(), files);

        Assert.Equal(
            "<os><kernel>/new/k</kernel><initrd>/i</initrd><nvram template='/t'>/new/n</nvram></os>",
            Os("<os><kernel> /k </kernel><initrd>/i</initrd><nvram template='/t'>/n</nvram></os>", edit));
        Assert.Equal(
            "<os><nvram type='file'><source file='/new/n' /></nvram></os>",
            Os("<os><nvram type='file'><source file='/n'/></nvram></os>", edit));
    }

    [Fact]
    public void A_disk_of_the_running_guest_is_added_without_its_address()
    {
        XElement next = XElement.Parse(Web1Xml);
        next.Descendants("disk").ElementAt(1).Remove();
        string live = Recording.Read("running/dumpxml-security").Output;

        XElement domain = XElement.Parse(DomainXmlEditor.AddDisks(next.ToString(), live, [Web1.Vdb]));

        Assert.Equal(["vda", "sda", "vdb"], domain.Descendants("disk")
            .Select(disk => disk.Element("target")!.Attribute("dev")!.Value));
        XElement disk = domain.Descendants("disk").Last();
        Assert.Equal($"{Web1.Images}/web1-data.img", disk.Element("source")!.Attribute("file")!.Value);
        Assert.Empty(disk.Elements("address").Concat(disk.Elements("alias")).Concat(disk.Elements("backingStore")));
        Assert.Null(disk.Element("source")!.Attribute("index"));
    }

    private static string Os(string os, DomainEdit edit) =>
        XElement.Parse(DomainXmlEditor.Apply($"<domain>{os}</domain>", edit)).Element("os")!
            .ToString(SaveOptions.DisableFormatting).Replace('"', '\'');

    private static XElement Apply(string xml, string? disk = null, string? newName = null)
    {
        Dictionary<DiskTarget, string> paths = disk is null ? [] : new() { [Web1.Vda] = disk };
        DomainName? name = newName is null ? null : new DomainName(newName);
        return XElement.Parse(
            DomainXmlEditor.Apply(xml, new DomainEdit(name, paths, new Dictionary<string, string>())));
    }
}
