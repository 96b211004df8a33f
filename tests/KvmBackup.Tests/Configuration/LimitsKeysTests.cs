using KvmBackup.Configuration;

namespace KvmBackup.Tests.Configuration;

/// <summary>The limits on the host's resources in the configuration.</summary>
public sealed class LimitsKeysTests
{
    [Theory]
    [InlineData("100 MiB/s", 104_857_600)]
    [InlineData("64kib/s", 65_536)]
    [InlineData("1.5 GiB/s", 1_610_612_736)]
    [InlineData("80MB", 80_000_000)]
    [InlineData("none", 0)]
    public void A_bandwidth_is_bytes_per_second(string text, long bytes) =>
        Assert.Equal(bytes, Read($"limits: {{bandwidth: {text}}}").Limits.BytesPerSecond);

    [Fact]
    public void Nothing_is_limited_by_default()
    {
        ResourceLimits limits = Read("rotate: 1").Limits;

        Assert.Equal(ResourceLimits.None, limits);
        Assert.False(limits.IsLowered);
        Assert.Empty(limits.Clause);
    }

    [Fact]
    public void A_domain_inherits_limits_from_its_host_and_can_override_each()
    {
        const string Host = "limits: {bandwidth: 10 MiB/s, nice: 10, ionice: idle}";

        Assert.Equal(new ResourceLimits(10 << 20, 19, IoPriority.Idle), Read("limits: {nice: 19}", Host).Limits);
        ResourceLimits undone = Read("limits: {bandwidth: none, nice: 0, ionice: none}", Host).Limits;
        Assert.Equal((false, ""), (undone.IsLowered, undone.Clause));
        Assert.Equal("; limits: at most 10.0 MiB/s, nice 10, ionice idle", Read("rotate: 1", Host).Limits.Clause);
    }

    [Fact]
    public void Images_have_limits_too()
    {
        HostSettings settings = ConfigurationReader.Parse(
            "cloud1:\n  backupdir: /mnt\n  day_of_week: daily\n  rotate: 3\n  limits: {nice: 5}\n"
            + "  images: {all: {pool: rbd, limits: {ionice: best-effort}}}\n", "config.yml", "cloud1");

        Assert.Equal(new ResourceLimits(null, 5, IoPriority.BestEffort), settings.Images.Single().Limits);
    }

    private static DomainSettings Read(string domain, string host = "quiesce: try") => ConfigurationReader.Parse(
        "cloud1:\n  backupdir: /mnt\n  day_of_week: daily\n  rotate: 3\n"
        + $"  {host}\n  domains:\n    web1: {{{domain}}}\n",
        "config.yml", "cloud1").Domains.Single();
}
