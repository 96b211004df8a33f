using KvmBackup.Configuration;

namespace KvmBackup.Tests.Configuration;

/// <summary>What the file says of increments and clusters, and what holds when it says nothing.</summary>
public sealed class ChainKeysTests
{
    [Fact]
    public void A_number_is_short_for_points_and_differential_belongs_to_it()
    {
        DomainSettings domain = Read("full_every: 5, increments: differential, keep_on_cluster: 2, protect_snapshots: true");

        Assert.Equal(new ChainPolicy(5, null, IsDifferential: true), domain.FullEvery);
        Assert.Equal(2, domain.KeepOnCluster);
        Assert.True(domain.ProtectSnapshots);
    }

    [Fact]
    public void Without_a_word_every_backup_is_full_and_nothing_stays_in_the_cluster()
    {
        DomainSettings domain = Read("rotate: 1");

        Assert.Null(domain.FullEvery);
        Assert.Equal(0, domain.KeepOnCluster);
        Assert.False(domain.ProtectSnapshots);
        Assert.Equal(CephSettings.None, domain.Ceph);
    }

    [Fact]
    public void What_a_domain_leaves_open_of_its_cluster_comes_from_the_host()
    {
        DomainSettings domain = Read("ceph: {user: own}", "ceph: {conf: /etc/ceph/a.conf, user: theirs}");

        Assert.Equal(new CephSettings("/etc/ceph/a.conf", "own", null), domain.Ceph);
    }

    [Fact]
    public void Merging_is_increments_for_ever_unless_a_full_one_is_asked_for()
    {
        Assert.Equal(new ChainPolicy(null, null, IsDifferential: false) { IsMerging = true }, Read("merge: true").FullEvery);
        Assert.Equal(new ChainPolicy(9, null, IsDifferential: false) { IsMerging = true }, Read("full_every: 9", "merge: true").FullEvery);
        Assert.Null(Read("merge: false", "merge: true").FullEvery);
    }

    private static DomainSettings Read(string domain, string host = "quiesce: try") => ConfigurationReader.Parse(
        $"cloud1:\n  backupdir: /mnt\n  day_of_week: daily\n  rotate: 3\n  {host}\n  domains:\n    web1: {{{domain}}}\n",
        "config.yml", "cloud1").Domains.Single();
}
