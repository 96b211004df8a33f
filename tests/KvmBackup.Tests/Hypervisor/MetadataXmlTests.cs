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

    private const string Gold =
        """
        <domain><title>live</title><metadata>
          <kvmbackup:backup xmlns:kvmbackup="https://kvmbackup.org/xmlns/domain/1.0" group="gold"/>
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

    [Theory]
    [InlineData("<domain><title>Web 1</title></domain>", "<domain><title>old</title></domain>", "Web 1", null)]
    [InlineData("<domain/>", Gold, "live", "gold")]
    [InlineData(Gold, "<domain><title>x</title></domain>", "live", "gold")]
    [InlineData("<domain><title> </title></domain>", "<domain><metadata><backup group='gold'/></metadata></domain>",
        null, null)]
    public void The_title_and_the_group_of_the_first_definition_that_has_one_count(
        string next, string live, string? title, string? group) => Assert.Equal(
            new DomainLabels(title, group), MetadataXml.Labels(XElement.Parse(next), XElement.Parse(live)));

    private static IReadOnlyList<DiskTarget> Excluded(params string[] definitions) =>
        MetadataXml.Excluded(definitions.Select(XElement.Parse));
}
