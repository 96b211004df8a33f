using KvmBackup.Hypervisor;

namespace KvmBackup.Tests.Hypervisor;

public sealed class PutOnBaseTests
{
    private const string OnOverlay = """
        <domain type="kvm"><name>web1</name><devices>
          <disk type="file" device="disk">
            <driver name="qemu" type="qcow2" cache="none" />
            <source file="/images/overlay" />
            <backingStore type="file"><format type="raw" /><source file="/images/b.raw" /></backingStore>
            <target dev="vdb" bus="virtio" />
          </disk>
        </devices></domain>
        """;

    [Fact]
    public void A_raw_disk_that_leaves_its_overlay_is_declared_raw_again()
    {
        string xml = DomainXmlEditor.PutOnBase(
            OnOverlay, new PlannedOverlay(new DiskTarget("vdb"), "/images/b.raw", "raw", "/images/overlay"), false);

        DiskFacts disk = Assert.Single(DomainXml.Disks(DomainXml.Parse(xml)));
        Assert.Equal(("raw", "/images/b.raw", DiskSourceType.File), (disk.Format, disk.SourcePath, disk.SourceType));
        Assert.DoesNotContain("backingStore", xml, StringComparison.Ordinal);
        Assert.Contains("cache=\"none\"", xml, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_device_that_leaves_its_overlay_is_a_block_device_again()
    {
        string xml = DomainXmlEditor.PutOnBase(
            OnOverlay, new PlannedOverlay(new DiskTarget("vdb"), "/dev/vg/web1", "raw", "/images/overlay"), true);

        DiskFacts disk = Assert.Single(DomainXml.Disks(DomainXml.Parse(xml)));
        Assert.Equal(("raw", "/dev/vg/web1", DiskSourceType.Block), (disk.Format, disk.SourcePath, disk.SourceType));
    }
}
