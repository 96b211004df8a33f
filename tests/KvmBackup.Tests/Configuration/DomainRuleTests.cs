using KvmBackup.Configuration;

namespace KvmBackup.Tests.Configuration;

public sealed class DomainRuleTests
{
    private static readonly HostSettings Host = Parse(
        """
        domains:
          web1: {rotate: 1}
          "web*": {rotate: 2, exclude: [web-old, "*-test"]}
          "?": {rotate: 3}
        domains_by_pool:
          ssd: {rotate: 7, exclude: lost}
          rbd: {rotate: 8}
        domains_by_title:
          "Production *": {rotate: 6}
        domains_by_group:
          gold: {rotate: 5}
        """);

    [Theory]
    [InlineData("web1", "gold", null, "", 1)]
    [InlineData("web2", "gold", "Production 1", "ssd/a", 2)]
    [InlineData("Web2", null, null, "", null)]
    [InlineData("web-old", null, null, "", null)]
    [InlineData("web3-test", "gold", null, "", 5)]
    [InlineData("a", null, null, "", 3)]
    [InlineData("ab", null, null, "", null)]
    [InlineData("db1", "gold", "Production db", "ssd/a", 5)]
    [InlineData("db1", "Gold", "Production db", "ssd/a", 6)]
    [InlineData("db1", null, "Production", "rbd/a ssd/b", 7)]
    [InlineData("lost", null, null, "rbd/a ssd/b", 8)]
    [InlineData("db1", null, null, "other/a", null)]
    public void The_name_takes_precedence_then_the_first_rule_in_the_order_of_name_group_title_and_pool(
        string name, string? group, string? title, string images, int? rotate)
    {
        string[] pools = [.. images.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(image => RbdImage.Parse(image).Pool)];
        DomainSettings? found = Host.FindDomain(
            new DomainTraits(new DomainName(name), new DomainLabels(title, group), pools));

        Assert.Equal((rotate, rotate is null ? null : name), (found?.Retention.Last, found?.Name.Value));
    }

    [Fact]
    public void A_rule_inherits_from_its_host_and_accepts_every_key_of_a_domain()
    {
        DomainSettings web = Parse("quiesce: require\ndomains: {\"web*\": {rotate: 2, verify: true, exclude: web9}}")
            .Rules[0].SettingsOf(new DomainName("web7"));

        Assert.Equal(("web7", QuiesceMode.Require, true), (web.Name.Value, web.Quiesce, web.VerifyBeforePublish));
        Assert.Equal(7, web.Schedule.Days.Count);
    }

    [Theory]
    [InlineData("*", "web*", true)]
    [InlineData("web*", "web1*", true)]
    [InlineData("*", "?", true)]
    [InlineData("w?b", "wab", true)]
    [InlineData("web*", "*", false)]
    [InlineData("?*", "*", false)]
    [InlineData("a?c", "a*c", false)]
    [InlineData("*1", "*2", false)]
    [InlineData("Web*", "web1", false)]
    public void A_pattern_covers_another_if_it_matches_each_of_its_names(string one, string other, bool isCovered) =>
        Assert.Equal(isCovered, new NamePattern(one).Covers(new NamePattern(other)));

    [Fact]
    public void A_later_rule_selects_the_domains_that_an_earlier_one_excludes()
    {
        HostSettings host = Parse("domains: {\"*\": {rotate: 1, exclude: db*}, \"db*\": {rotate: 2}}");

        Assert.Equal(2, host.FindDomain(new(new("db1"), DomainLabels.None, []))!.Retention.Last);
    }

    [Theory]
    [InlineData("domains_by_group: {gold: {rotate: 1}}")]
    [InlineData("domains_by_title: {\"*\": {rotate: 1}}")]
    [InlineData("domains_by_pool: {rbd: {rotate: 1}}")]
    public void A_host_with_a_rule_needs_no_domains(string text)
    {
        HostSettings host = Parse(text);

        Assert.Empty(host.Domains);
        Assert.True(host.HasGuests);
    }

    [Fact]
    public void A_group_may_contain_an_asterisk_and_hides_no_other() =>
        Assert.Equal(2, Parse("domains_by_group: {\"*\": {rotate: 1}, gold: {rotate: 2}}").Rules.Count);

    [Fact]
    public void A_domain_that_is_gone_is_found_by_its_name_or_by_what_its_newest_backup_has()
    {
        Manifest backup = Support.ManifestSamples.Create("db1");

        Assert.Equal(2, Host.FindSettings(new DomainName("web5"), newest: null)!.Retention.Last);
        Assert.Null(Host.FindSettings(backup.Domain, backup));
        Assert.Equal(5, Host.FindSettings(backup.Domain, backup with { Group = "gold" })!.Retention.Last);
        Assert.Equal(6, Host.FindSettings(backup.Domain, backup with { Title = "Production 1" })!.Retention.Last);
    }

    [Theory]
    [InlineData("rbd:rbd/ns1/vm-1-disk-0", "volumes")]
    [InlineData("rbd:nowhere/a", null)]
    [InlineData("vm-1-disk-0", null)]
    public void The_settings_of_an_image_are_those_of_its_selection(string name, string? selection)
    {
        HostSettings host = Parse("rotate: 1\nimages: {volumes: {pool: rbd, namespace: ns1}}");

        Assert.Equal(
            selection, (host.FindSettings(new DomainName(name), newest: null) as ImageSelection)?.Name);
    }

    [Fact]
    public void A_guest_that_nothing_selects_has_the_settings_of_the_host_and_no_retention()
    {
        HostSettings host = Parse(
            "rotate: 3\nquiesce: off\nfull_every: 7\nkeep_on_cluster: 2\nceph: {user: x}\ndomains: {web1: {}}");
        DomainSettings found = Assert.IsType<DomainSettings>(
            host.FindSettings(Support.ManifestSamples.Create("other")));

        Assert.Equal(("other", QuiesceMode.Off, "x"), (found.Name.Value, found.Quiesce, found.Ceph.User));
        Assert.Equal(new RetentionPolicy(), found.Retention);
        Assert.Null(found.FullEvery);
        Assert.Equal(0, found.KeepOnCluster);
        Assert.Null(host.FindSettings(Support.ManifestSamples.Create("rbd:rbd/a")));
    }

    private static HostSettings Parse(string keys) => ConfigurationReader.Parse(
        "cloud1:\n  backupdir: /mnt\n  day_of_week: daily\n  " + keys.ReplaceLineEndings("\n  "), "config.yml",
        "cloud1");
}
