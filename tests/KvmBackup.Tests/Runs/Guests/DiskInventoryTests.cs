using KvmBackup.Configuration;
using KvmBackup.Runs.Guests;

namespace KvmBackup.Tests.Runs.Guests;

public sealed class DiskInventoryTests
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

    private static string? FindOwner(string host, DiskTarget[] excluded)
    {
        HostSettings complete = Complete(host, excluded);
        return DiskInventory.FindOwner(Image, complete.Images[0], complete, [Web1(excluded)]);
    }

    private static HostSettings Complete(string host, DiskTarget[] excluded)
    {
        string section = host.TrimEnd('}');
        string rest = host[section.Length..];
        HostSettings settings = ConfigurationReader.Parse(
            $"cloud1: {section}{rest[..^1]}, backupdir: /mnt, day_of_week: daily, images: {{all: {{pool: rbd, rotate: "
                + $"1}}}}}}",
            "config.yml", "cloud1");
        return DiskInventory.Complete(settings, [Web1(excluded)]);
    }

    private static DomainDisks Web1(DiskTarget[] excluded) => new(
        Support.Web1.Identity,
        [
            new(new DiskTarget("vda"), "disk", DiskSourceType.File, "/images/a.qcow2", "qcow2", false, false, null),
            new(new DiskTarget("vdb"), "disk", DiskSourceType.Network, null, "raw", false, false, null)
            {
                Rbd = new RbdSource(Image, ["10.0.0.1:6789"], null, null),
            },
        ],
        excluded);
}
