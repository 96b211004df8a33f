using KvmBackup.Configuration;

namespace KvmBackup.Tests.Configuration;

/// <summary>The keys for increments and clusters, and their defaults.</summary>
public sealed class ChainKeysTests
{
    [Fact]
    public void A_number_sets_the_points_of_a_chain_and_differential_applies_to_it()
    {
        DomainSettings domain = Read(
            "full_every: 5, increments: differential, keep_on_cluster: 2, protect_snapshots: true");

        Assert.Equal(new ChainPolicy(5, null, IsDifferential: true), domain.FullEvery);
        Assert.Equal(2, domain.KeepOnCluster);
        Assert.True(domain.ProtectSnapshots);
    }

    [Fact]
    public void By_default_every_backup_is_full_and_no_snapshot_stays_in_the_cluster()
    {
        DomainSettings domain = Read("rotate: 1");

        Assert.Null(domain.FullEvery);
        Assert.Equal(0, domain.KeepOnCluster);
        Assert.False(domain.ProtectSnapshots);
        Assert.Equal(CephSettings.None, domain.Ceph);
    }

    [Fact]
    public void A_domain_inherits_cluster_settings_from_its_host()
    {
        DomainSettings domain = Read("ceph: {user: own}", "ceph: {conf: /etc/ceph/a.conf, user: theirs}");

        Assert.Equal(new CephSettings("/etc/ceph/a.conf", "own", null), domain.Ceph);
    }

    [Fact]
    public void Merging_has_no_limit_of_increments_unless_one_is_configured()
    {
        Assert.Equal(
            new ChainPolicy(null, null, IsDifferential: false) { IsMerging = true }, Read("merge: true").FullEvery);
        Assert.Equal(
            new ChainPolicy(9, null, IsDifferential: false) { IsMerging = true },
            Read("full_every: 9", "merge: true").FullEvery);
        Assert.Null(Read("merge: false", "merge: true").FullEvery);
    }

    private static DomainSettings Read(string domain, string host = "quiesce: try") => ConfigurationReader.Parse(
        "cloud1:\n  backupdir: /mnt\n  day_of_week: daily\n  rotate: 3\n"
        + $"  {host}\n  domains:\n    web1: {{{domain}}}\n",
        "config.yml", "cloud1").Domains.Single();
}
