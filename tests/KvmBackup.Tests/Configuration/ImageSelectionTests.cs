using KvmBackup.Configuration;

namespace KvmBackup.Tests.Configuration;

public sealed class ImageSelectionTests
{
    private static readonly HostSettings Host =
        ConfigurationReader.Read(Path.Combine(SampleFiles.Directory, "images.yml"), "cloud1");

    [Fact]
    public void A_selection_has_images_and_inherits_the_settings_that_apply_without_a_guest()
    {
        ImageSelection volumes = Host.Images[0];

        Assert.Equal(["volumes", "rest", "theirs"], Host.Images.Select(selection => selection.Name));
        Assert.Equal(["rbd", "ssd"], volumes.Pools);
        Assert.Equal("ns1", volumes.Namespace);
        Assert.Equal([new("vm-*-disk-?"), new("golden")], volumes.Included);
        Assert.Equal([new("*-swap")], volumes.Excluded);
        Assert.Equal([DayOfWeek.Monday], volumes.Schedule.Days);
        Assert.Equal(new RetentionPolicy(Daily: 7), volumes.Retention);
        Assert.Equal(new Compression(CompressionMethod.Zstd), volumes.Compression);
        Assert.Equal(new ChainPolicy(7, TimeSpan.FromDays(30), IsDifferential: true), volumes.FullEvery);
        Assert.True(volumes.VerifyBeforePublish);
        Assert.Equal(TimeSpan.FromMinutes(5), volumes.StallTimeout);
        Assert.Equal(new CephSettings("/etc/ceph/other.conf", "backup", null), volumes.Ceph);
    }

    [Fact]
    public void By_default_a_selection_is_all_images_of_its_pool_at_our_own_snapshots()
    {
        ImageSelection rest = Host.Images[1];

        Assert.Equal([NamePattern.Any], rest.Included);
        Assert.Null(rest.External);
        Assert.Null(rest.Namespace);
        Assert.Empty(rest.Schedule.Days);
    }

    [Fact]
    public void Snapshots_of_another_program_are_named_by_a_date() => Assert.Equal(
        new ExternalSnapshots(new("auto-%Y%m%d"), new("auto-%Y%m%d-ready"), new("/run/ready/%m/%d"), IsOnlyToday: true),
        Host.Images[2].External);

    [Fact]
    public void A_host_with_images_needs_no_domains()
    {
        HostSettings host = ConfigurationReader.Read(Path.Combine(SampleFiles.Directory, "images.yml"), "cloud2");

        Assert.Empty(host.Domains);
        Assert.Equal("all", Assert.Single(host.Images).Name);
    }

    [Theory]
    [InlineData("rbd/ns1/vm-1-disk-0", "volumes")]
    [InlineData("ssd/ns1/golden", "volumes")]
    [InlineData("rbd/vm-1-disk-0", "rest")]
    [InlineData("rbd/golden", "rest")]
    [InlineData("rbd/ns1/vm-1-disk-10", null)]
    [InlineData("rbd/ns1/Golden", null)]
    [InlineData("rbd/ns1/vm-1-disk-0-swap", null)]
    [InlineData("ssd/other", null)]
    public void An_image_belongs_to_the_first_selection_that_covers_it(string image, string? selection) =>
        Assert.Equal(selection, Host.FindSelection(RbdImage.Parse(image))?.Name);
}
