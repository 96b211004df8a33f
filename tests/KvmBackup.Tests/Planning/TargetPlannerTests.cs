using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

public sealed class TargetPlannerTests
{
    private static readonly TargetFacts Mounted = new("/mnt/backup/cloud1", "/mnt/backup", "nas:/export", null, "id");
    private static readonly TargetFacts Unmounted = new("/mnt/backup/cloud1", "/", "/dev/sda1", null, null);
    private static readonly KnownTarget Known = new(1, "/mnt/backup/cloud1", "/mnt/backup", "nas:/export", "id");

    [Fact]
    public void The_first_use_reports_the_location_of_the_target()
    {
        TargetDecision decision = Decide(MountRequirement.Auto, Mounted with { MarkerId = null }, null);

        Assert.True(decision.IsFirstUse);
        Assert.Contains("on /mnt/backup (nas:/export)", decision.Notice, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_use_of_a_target_on_the_root_file_system_mentions_a_missing_share()
    {
        TargetDecision decision = Decide(MountRequirement.Auto, Unmounted, null);

        Assert.True(decision.IsFirstUse);
        Assert.Contains("on the root file system (/dev/sda1). If a share belongs there, it is not mounted",
            decision.Notice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(MountRequirement.Auto)]
    [InlineData(MountRequirement.Required)]
    public void A_target_with_the_known_marker_is_used_at_any_mount_point(MountRequirement requirement)
    {
        Assert.Equal(new TargetDecision(null, null, false), Decide(requirement, Mounted, Known));
        Assert.Equal(new TargetDecision(
            null, null, false), Decide(requirement, Mounted with { Source = "nas2:/export" }, Known));
    }

    [Fact]
    public void A_share_that_is_no_longer_mounted_is_refused_with_the_command_that_mounts_it()
    {
        TargetDecision decision = Decide(MountRequirement.Auto, Unmounted, Known);

        Assert.Contains("was on /mnt/backup (nas:/export), and it is on / (/dev/sda1) now", decision.Refusal,
            StringComparison.Ordinal);
        Assert.Contains("mount /mnt/backup", decision.Refusal, StringComparison.Ordinal);
        Assert.False(decision.IsFirstUse);
    }

    [Fact]
    public void Another_file_system_at_the_same_place_is_refused()
    {
        Assert.Contains(
            "/dev/sdb1 is mounted there instead",
            Decide(MountRequirement.Auto, Mounted with { Source = "/dev/sdb1", MarkerId = "other" }, Known).Refusal,
            StringComparison.Ordinal);
        Assert.Contains(
            "but not its marker file",
            Decide(MountRequirement.Auto, Mounted with { MarkerId = null }, Known).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_backup_directory_in_the_configuration_is_a_first_use() =>
        Assert.True(Decide(MountRequirement.Auto, Unmounted with { DirectoryPath = "/srv/backup" }, Known).IsFirstUse);

    [Fact]
    public void A_share_of_fstab_that_is_not_mounted_is_refused_even_at_the_first_use()
    {
        TargetDecision decision = Decide(
            MountRequirement.Auto, Unmounted with { DeclaredMountPoint = "/mnt/backup" }, null);

        Assert.Contains("/etc/fstab has a file system for /mnt/backup", decision.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_required_mount_refuses_the_root_file_system_always()
    {
        Assert.Contains("require_mount is true", Decide(MountRequirement.Required, Unmounted, null).Refusal,
            StringComparison.Ordinal);
        Assert.Contains(
            "require_mount is true", Decide(MountRequirement.Required, Unmounted with { MarkerId = "id" },
                Known).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_share_mounted_over_a_target_on_the_root_file_system_is_a_first_use()
    {
        TargetDecision decision = Decide(
            MountRequirement.Auto, Mounted with { MarkerId = null },
            Known with { MountPoint = "/", Source = "/dev/sda1" });

        Assert.True(decision.IsFirstUse);
        Assert.Contains("is now on /mnt/backup", decision.Notice, StringComparison.Ordinal);
    }

    [Fact]
    public void No_mount_is_required_when_configured() =>
        Assert.Equal(new TargetDecision(null, null, false), Decide(MountRequirement.None, Unmounted, Known));

    private static TargetDecision Decide(MountRequirement requirement, TargetFacts facts, KnownTarget? known) =>
        TargetPlanner.Decide(requirement, facts, known);
}
