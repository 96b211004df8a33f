using KvmBackup.Configuration;
using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

public sealed class DomainChooserTests
{
    private static readonly HostSettings Host = ConfigurationReader.Parse(
        """
        cloud1:
          backupdir: /mnt
          day_of_week: daily
          rotate: 4
          domains:
            listed: {}
            "web*": {exclude: [web-old, web-lost], rotate: 1}
            "none*": {}
          domains_by_group:
            gold: {rotate: 2, exclude: web-lost}
            silver: {}
        """,
        "config.yml",
        "cloud1");

    [Fact]
    public void Selected_domains_follow_the_listed_ones_in_the_order_of_the_rules()
    {
        HostSettings complete = Choose([]).Settings;

        Assert.Equal(
            ["listed 4", "web1 1", "web2 1", "db1 2", "web-old 2"],
            complete.Domains.Select(domain => $"{domain.Name} {domain.Retention.Last}"));
        Assert.DoesNotContain(complete.Domains, domain => domain.IsUnlisted);
    }

    [Fact]
    public void Domains_that_no_rule_selects_or_excludes_are_reported() =>
        Assert.Equal([new DomainName("db2"), new DomainName("db3")], Choose([]).Unselected);

    [Fact]
    public void A_rule_that_matches_no_domain_is_reported_and_one_whose_domains_are_listed_is_not() =>
        Assert.Equal(
            ["domains: \"none*\"", "domains_by_group: \"silver\""],
            Choose([]).Unmatched.Select(rule => $"{rule}"));

    [Fact]
    public void A_requested_domain_in_no_rule_gets_the_settings_of_the_host_and_keeps_all_backups()
    {
        HostSettings complete = Choose(["db3", "web-lost", "web1", "nobody"]).Settings;

        DomainSettings[] unlisted = [.. complete.Domains.Where(domain => domain.IsUnlisted)];
        Assert.Equal(["db3", "web-lost"], unlisted.Select(domain => domain.Name.Value));
        Assert.All(unlisted, domain => Assert.Equal(new RetentionPolicy(), domain.Retention));
        Assert.Equal(7, complete.Domains.Count);
    }

    [Fact]
    public void A_name_is_unlisted_if_it_is_neither_a_domain_nor_an_image_of_the_configuration() =>
        Assert.Equal(["web1", "rbd/a"], BackupPlanner.FindUnlisted(Host, ["listed", "web1", "rbd/a"]));

    [Fact]
    public void A_name_that_libvirt_does_not_have_either_is_refused_with_the_nearest_one()
    {
        DomainIdentity[] existing = [new(new DomainName("printer"), Guid.Empty)];
        BackupPlan Plan(params string[] names) =>
            BackupPlanner.Plan(Host, DayOfWeek.Friday, names, force: true, existing);

        Assert.Empty(Plan("printer").Jobs);
        Assert.Equal(
            "Domain 'printre' is neither in the configuration of cloud1 nor in libvirt; did you mean 'printer'?\n"
            + "Domain 'zzz' is neither in the configuration of cloud1 nor in libvirt, which have listed, printer; name "
            + "one of these.",
            Assert.Throws<PlanningException>(() => Plan("printre", "zzz")).Message);
    }

    private static DomainChoice Choose(string[] requested) => DomainChooser.Choose(
        Host,
        [
            Named("web1"), Named("db1", "gold"), Named("db2"), Named("web-old", "gold"), Named("listed", "gold"),
            Named("web2", "gold"), Named("db3", "Gold"), Named("web-lost", "gold"),
        ],
        requested);

    private static DomainSummary Named(string name, string? group = null) =>
        new(new DomainIdentity(new DomainName(name), Guid.NewGuid()), [], [])
        {
            Labels = new DomainLabels(null, group),
        };
}
