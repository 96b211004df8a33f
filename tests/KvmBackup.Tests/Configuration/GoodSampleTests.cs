using KvmBackup.Configuration;

namespace KvmBackup.Tests.Configuration;

public sealed class GoodSampleTests
{
    private static readonly DayOfWeek[] AllDays =
    [
        DayOfWeek.Monday, DayOfWeek.Tuesday, DayOfWeek.Wednesday, DayOfWeek.Thursday, DayOfWeek.Friday,
        DayOfWeek.Saturday, DayOfWeek.Sunday,
    ];

    [Fact]
    public void The_shipped_sample_has_the_settings_that_its_comments_describe()
    {
        HostSettings host = ReadComplete("cloud1");

        Assert.Equal("/mnt/backup/cloud1", host.BackupDirectory);
        Assert.Equal(["web1", "db1", "my vm ü"], host.Domains.Select(domain => domain.Name.Value));
        Assert.Equal(new RetentionPolicy(Last: 4), host.Domains[0].Retention);
        Assert.Equal(new RetentionPolicy(3, 7, 4, 12, 2, TimeSpan.FromDays(30)), host.Domains[1].Retention);
        Assert.Equal([new DiskTarget("vdb")], host.Domains[1].Disks.Excluded);
        Assert.Equal(AllDays, host.Domains[1].Schedule.Days);
        Assert.True(host.Domains[1].VerifyBeforePublish);
        Assert.Equal(new ChainPolicy(7, TimeSpan.FromDays(30), IsDifferential: false), host.Domains[0].FullEvery);
        Assert.Equal(3, host.Domains[0].KeepOnCluster);
        Assert.Equal(
            new CephSettings("/etc/ceph/ceph.conf", "backup", "/etc/ceph/ceph.client.backup.keyring"),
            host.Domains[0].Ceph);
        Assert.All(host.Domains, domain => Assert.Equal(new Compression(CompressionMethod.Zstd), domain.Compression));
    }

    [Fact]
    public void The_shipped_sample_sets_required_keys_only()
    {
        HostSettings host = ConfigurationReader.Read(SampleFiles.ShippedSample, "cloud1");

        DomainSettings domain = Assert.Single(host.Domains);
        Assert.Equal(new RetentionPolicy(Last: 4), domain.Retention);
        Assert.Equal(new Compression(CompressionMethod.Pigz), domain.Compression);
        Assert.Equal((null, CephSettings.None), (domain.FullEvery, domain.Ceph));
        Assert.Equal(HostSettings.DefaultStateDirectory, host.StateDirectory);
    }

    [Fact]
    public void The_shipped_sample_shows_a_host_with_images()
    {
        HostSettings host = ReadComplete("ceph1");

        Assert.Equal(["volumes", "replicated"], host.Images.Select(selection => selection.Name));
        Assert.Equal("domains_by_pool: \"rbd\"", $"{Assert.Single(host.Rules)}");
        Assert.True(host.Images[1].External!.IsOnlyToday);
    }

    [Fact]
    public void The_shipped_sample_shows_a_host_with_rules()
    {
        HostSettings host = ReadComplete("cloud3");

        Assert.Equal(
            ["domains: \"web*\"", "domains: \"*\"", "domains_by_group: \"gold\"", "domains_by_title: \"Production *\""],
            host.Rules.Select(rule => $"{rule}"));
    }

    [Fact]
    public void The_shipped_sample_explains_every_key()
    {
        string text = File.ReadAllText(SampleFiles.ShippedSample);

        string[] keys =
        [
            "defaults", "backupdir", "statedir", "require_mount", "domains", "day_of_week", "rotate", "retain",
            "compression", "quiesce",
            "disks", "overlay_dir", "freeze_timeout", "commit_timeout", "verify", "last", "daily", "weekly", "monthly",
            "yearly", "age", "method", "level", "threads", "exclude", "images", "domains_by_group",
            "domains_by_title", "domains_by_pool", "pool", "namespace",
            "name",
            "snapshot", "external", "ready", "ready_file", "today",
            "stall_timeout", "overlay_headroom", "full_every", "points", "increments", "merge", "keep_on_cluster",
            "protect_snapshots",
            "ceph", "conf", "user", "keyring",
        ];
        Assert.All(keys, key => Assert.Contains(key + ":", text, StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_of_the_predecessor_works_unchanged()
    {
        HostSettings host = Read("kvmBackup.yml", "cloud1");

        Assert.Equal("/srv/archive/guests", host.BackupDirectory);
        Assert.Equal("/var/lib/kvmbackup", host.StateDirectory);
        Assert.Equal(["intranet", "build-agent-7", "ldap.example"], host.Domains.Select(domain => domain.Name.Value));
        Assert.Equal([3, 1, 14], host.Domains.Select(domain => domain.Retention.Last));
        Assert.Equal([DayOfWeek.Sunday, DayOfWeek.Tuesday, DayOfWeek.Thursday], host.Domains[0].Schedule.Days);
        Assert.Equal([DayOfWeek.Saturday], host.Domains[1].Schedule.Days);
        Assert.Equal(AllDays, host.Domains[2].Schedule.Days);
        DomainSettings domain = host.Domains[0];
        Assert.Equal(new Compression(CompressionMethod.Pigz), domain.Compression);
        Assert.Equal(QuiesceMode.Try, domain.Quiesce);
        Assert.Null(domain.OverlayDirectory);
        Assert.Equal(TimeSpan.FromSeconds(30), domain.FreezeTimeout);
        Assert.Equal(TimeSpan.FromMinutes(30), domain.CommitTimeout);
        Assert.False(domain.VerifyBeforePublish);
        Assert.True(domain.Disks.Includes(new DiskTarget("vda")));
    }

    [Theory]
    [InlineData("hypervisor-b")]
    [InlineData("hypervisor-b.example.org")]
    public void The_short_host_name_chooses_the_section(string hostName)
    {
        HostSettings host = Read("kvmBackup.yml", hostName);

        Assert.Equal("hypervisor-b", host.HostName);
        Assert.Equal("/srv/archive/other", host.BackupDirectory);
    }

    [Fact]
    public void A_domain_inherits_from_its_host_and_the_host_from_the_defaults()
    {
        HostSettings host = Read("inheritance.yml", "cloud1");
        DomainSettings plain = host.Domains[0];

        Assert.Equal("/mnt/all", host.BackupDirectory);
        Assert.Equal("/srv/state", host.StateDirectory);
        Assert.Equal(new Compression(CompressionMethod.Zstd, 3, 2), plain.Compression);
        Assert.Equal(QuiesceMode.Off, plain.Quiesce);
        Assert.Equal(new RetentionPolicy(Daily: 7), plain.Retention);
        Assert.Equal(AllDays, plain.Schedule.Days);
        Assert.False(plain.Disks.Includes(new DiskTarget("sda")));
        Assert.Equal(TimeSpan.FromHours(2), plain.CommitTimeout);
    }

    [Fact]
    public void A_level_is_not_inherited_by_another_codec_but_threads_are()
    {
        Assert.Equal(
            new Compression(CompressionMethod.Gzip, Level: null, Threads: 2),
            Read("inheritance.yml", "cloud1").Domains[1].Compression);
    }

    [Fact]
    public void The_most_specific_setting_takes_precedence()
    {
        DomainSettings own = Read("inheritance.yml", "cloud1").Domains[2];

        Assert.Equal(new Compression(CompressionMethod.Zstd, 5, 2), own.Compression);
        Assert.Equal([DayOfWeek.Sunday], own.Schedule.Days);
        Assert.Equal(new RetentionPolicy(Last: 2), own.Retention);
        Assert.Empty(own.Disks.Excluded);
        Assert.Equal(QuiesceMode.Require, own.Quiesce);
        Assert.Equal("/srv/overlays", own.OverlayDirectory);
        Assert.Equal(TimeSpan.FromSeconds(10), own.FreezeTimeout);
        Assert.Equal(TimeSpan.FromDays(7), own.CommitTimeout);
        Assert.True(own.VerifyBeforePublish);
    }

    [Fact]
    public void A_domain_may_have_a_number_as_its_name_and_no_day()
    {
        DomainSettings manual = Read("inheritance.yml", "cloud1").Domains[3];

        Assert.Equal("007", manual.Name.Value);
        Assert.Empty(manual.Schedule.Days);
        Assert.Equal(new RetentionPolicy(Age: TimeSpan.FromDays(28)), manual.Retention);
        Assert.False(manual.Disks.Includes(new DiskTarget("vdb")));
    }

    [Fact]
    public void Aliases_and_merged_maps_work_and_errors_of_other_hosts_are_ignored()
    {
        HostSettings host = Read("anchors.yml", "cloud1");

        Assert.Equal([4, 2, 4], host.Domains.Select(domain => domain.Retention.Last));
        Assert.Equal(QuiesceMode.Off, host.Domains[2].Quiesce);
        Assert.All(host.Domains, domain => Assert.Equal([DayOfWeek.Sunday], domain.Schedule.Days));
    }

    private static HostSettings ReadComplete(string hostName) =>
        ConfigurationReader.Parse(SampleFiles.CompleteSample, SampleFiles.ShippedSample, hostName);

    private static HostSettings Read(string fileName, string hostName) =>
        ConfigurationReader.Read(Path.Combine(SampleFiles.Directory, fileName), hostName);
}
