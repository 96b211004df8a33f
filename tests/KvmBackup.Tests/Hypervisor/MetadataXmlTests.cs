using System.Xml.Linq;
using KvmBackup.Hypervisor;

namespace KvmBackup.Tests.Hypervisor;

public sealed class MetadataXmlTests
{
    // The output of libvirt 9.0 after virsh metadata.
    private const string Marked =
        """
        <domain><metadata>
          <kvmbackup:backup xmlns:kvmbackup="https://kvmbackup.org/xmlns/domain/1.0">
            <kvmbackup:exclude disk="vdb"/>
          </kvmbackup:backup>
        </metadata></domain>
        """;

    [Fact]
    public void A_disk_is_excluded_by_the_metadata_of_its_domain() =>
        Assert.Equal([new DiskTarget("vdb")], Excluded(Marked));

    [Fact]
    public void Files_of_the_definition_for_the_next_start_count_too() =>
        Assert.Equal([new DiskTarget("vdb")], Excluded("<domain/>", Marked));

    [Fact]
    public void The_excluded_disks_of_both_definitions_are_merged() => Assert.Single(Excluded(Marked, Marked));

    [Theory]
    [InlineData("https://example.org/other", "exclude disk='vdb'")]
    [InlineData("https://kvmbackup.org/xmlns/domain/1.0", "include disk='vdb'")]
    [InlineData("https://kvmbackup.org/xmlns/domain/1.0", "exclude")]
    [InlineData("https://kvmbackup.org/xmlns/domain/1.0", "exclude disk='/dev/vdb'")]
    public void Other_metadata_exclude_nothing(string space, string element) =>
        Assert.Empty(Excluded($"<domain><metadata><backup xmlns='{space}'><{element}/></backup></metadata></domain>"));

    private static IReadOnlyList<DiskTarget> Excluded(params string[] definitions) =>
        MetadataXml.Excluded(definitions.Select(XElement.Parse));
}
