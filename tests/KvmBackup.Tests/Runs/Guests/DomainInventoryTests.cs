using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Guests;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Guests;

public sealed class DomainInventoryTests
{
    private static readonly RbdImage Image = RbdImage.Parse("rbd/a");

    [Theory]
    [InlineData("{domains: {web1: {rotate: 1}}}", "backed up with the domain web1 as its disk vdb")]
    [InlineData("{domains_by_pool: {rbd: {rotate: 1}}}", "backed up with the domain web1 as its disk vdb")]
    [InlineData("{domains: {other: {rotate: 1}}}", null)]
    [InlineData("{domains: {web1: {rotate: 1, disks: {exclude: vdb}}}}", null)]
    [InlineData("{domains: {web1: {rotate: 1, ceph: {conf: /etc/ceph/b.conf}}}}", "backed up with the domain web1 as "
        + "its disk vdb")]
    [InlineData("{ceph: {conf: /etc/ceph/a.conf}, domains: {web1: {rotate: 1, ceph: {conf: /etc/ceph/b.conf}}}}", null)]
    public void An_image_of_a_backed_up_domain_is_not_backed_up_twice(string host, string? owner) =>
        Assert.Equal(owner, FindOwner(host, []));

    [Fact]
    public void A_disk_that_its_domain_s_metadata_exclude_is_not_backed_up() => Assert.Equal(
        "excluded in the metadata of the domain web1, as its disk vdb",
        FindOwner("{domains: {other: {rotate: 1}}}", [new DiskTarget("vdb")]));

    [Fact]
    public void A_configured_domain_is_not_selected_by_its_pool_again()
    {
        HostSettings complete = Complete("{domains: {web1: {rotate: 7}}, domains_by_pool: {rbd: {rotate: 1}}}", []);

        Assert.Equal(7, Assert.Single(complete.Domains).Retention.Last);
    }

    [Fact]
    public void A_domain_is_found_by_the_pool_of_any_of_its_disks()
    {
        HostSettings complete = Complete("{domains_by_pool: {ssd: {rotate: 9}, rbd: {rotate: 1}}}", []);

        Assert.Equal(("web1", 1), (Assert.Single(complete.Domains).Name.Value, complete.Domains[0].Retention.Last));
        Assert.Empty(Complete("{domains_by_pool: {ssd: {rotate: 9}}}", []).Domains);
    }

    [Theory]
    [InlineData("domains: {\"web*\": {}}", false)]
    [InlineData("domains_by_group: {gold: {}}", true)]
    [InlineData("domains_by_title: {gold: {}}", true)]
    [InlineData("images: {all: {pool: rbd}}", true)]
    public async Task Definitions_are_read_only_if_a_rule_or_a_selection_of_images_requires_them(
        string selection, bool isRead)
    {
        RecordedShell shell = new RecordedShell().Now("running/dumpxml", "running/dumpxml-inactive");
        HostSettings settings = ConfigurationReader.Parse(
            $"cloud1: {{backupdir: /mnt, day_of_week: daily, rotate: 1, {selection}}}", "config.yml", "cloud1");
        DomainInventory inventory = new(
            new LibvirtHost(new Virsh(shell, null)), new MappedImages(), Logger.None);

        DomainSummary web1 = Assert.Single(
            await inventory.TakeAsync(settings, [Web1.Identity], CancellationToken.None));

        Assert.Equal((Web1.Identity, isRead), (web1.Domain, shell.Calls.Count > 0));
    }

    [Fact]
    public async Task A_domain_whose_definition_cannot_be_read_is_still_selected_by_its_name()
    {
        Reply failure = Reply.Bad("error: timeout");
        RecordedShell shell = new RecordedShell().On("dumpxml", failure, failure);
        HostSettings settings = ConfigurationReader.Parse(
            "cloud1: {backupdir: /mnt, day_of_week: daily, rotate: 1, domains: {\"*\": {}}, domains_by_group: {a: {}}}",
            "config.yml", "cloud1");

        IReadOnlyList<DomainSummary> domains = await new DomainInventory(
            new LibvirtHost(new Virsh(shell, null)), new MappedImages(), Logger.None)
            .TakeAsync(settings, [Web1.Identity], CancellationToken.None);

        Assert.Equal("web1", Assert.Single(DomainChooser.Choose(settings, domains, []).Settings.Domains).Name.Value);
    }

    private static string? FindOwner(string host, DiskTarget[] excluded)
    {
        HostSettings complete = Complete(host, excluded);
        return DomainInventory.FindOwner(Image, complete.Images[0], complete, [Web1With(excluded)]);
    }

    private static HostSettings Complete(string host, DiskTarget[] excluded)
    {
        string section = host.TrimEnd('}');
        string rest = host[section.Length..];
        HostSettings settings = ConfigurationReader.Parse(
            $"cloud1: {section}{rest[..^1]}, backupdir: /mnt, day_of_week: daily, images: {{all: {{pool: rbd, rotate: "
                + $"1}}}}}}",
            "config.yml", "cloud1");
        return DomainChooser.Choose(settings, [Web1With(excluded)], []).Settings;
    }

    private static DomainSummary Web1With(DiskTarget[] excluded) => new(
        Web1.Identity,
        [
            new(new DiskTarget("vda"), "disk", DiskSourceType.File, "/images/a.qcow2", "qcow2", false, false, null),
            new(new DiskTarget("vdb"), "disk", DiskSourceType.Network, null, "raw", false, false, null)
            {
                Rbd = new RbdSource(Image, ["10.0.0.1:6789"], null, null),
            },
        ],
        excluded);
}
