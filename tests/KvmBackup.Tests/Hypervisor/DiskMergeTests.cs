using KvmBackup.Hypervisor;

namespace KvmBackup.Tests.Hypervisor;

/// <summary>The two definitions as libvirt 9.0 showed them after attach-disk and detach-disk.</summary>
public sealed class DiskMergeTests
{
    private const string Vda = "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source "
        + "file='/images/a.qcow2'/><target dev='vda' bus='virtio'/></disk>";

    private const string Rbd = "<disk type='network' device='disk'><driver name='qemu' type='raw'/>";

    [Fact]
    public void A_disk_in_both_definitions_is_unchanged()
    {
        DiskFacts disk = Assert.Single(Merge(Vda, Vda));

        Assert.Equal((DiskPresence.Both, null), (disk.Presence, disk.Difference));
    }

    [Fact]
    public void A_disk_that_is_attached_live_is_only_in_the_running_guest()
    {
        IReadOnlyList<DiskFacts> disks = Merge(Vda + Disk("vdc", "/images/c.qcow2"), Vda);

        Assert.Equal([DiskPresence.Both, DiskPresence.RunningOnly], disks.Select(disk => disk.Presence));
        Assert.All(disks, disk => Assert.Null(disk.Difference));
    }

    [Fact]
    public void A_disk_that_is_attached_to_the_configuration_is_only_in_the_next_start()
    {
        IReadOnlyList<DiskFacts> disks = Merge(Vda, Vda + Disk("vdd", "/images/d.qcow2"));

        Assert.Equal(["vda", "vdd"], disks.Select(disk => disk.Target.Value));
        Assert.Equal([DiskPresence.Both, DiskPresence.NextStartOnly], disks.Select(disk => disk.Presence));
        Assert.All(disks, disk => Assert.Null(disk.Difference));
    }

    [Theory]
    [InlineData("/images/e.qcow2", "qcow2", "is /images/a.qcow2 (qcow2) in the running guest, and /images/e.qcow2 "
        + "(qcow2) in the definition")]
    [InlineData("/images/a.qcow2", "raw", "is /images/a.qcow2 (qcow2) in the running guest, and /images/a.qcow2 (raw) "
        + "in the definition")]
    public void Another_source_under_the_same_target_is_a_difference(string path, string format, string text)
    {
        DiskFacts disk = Assert.Single(Merge(Vda, Disk("vda", path, format)));

        Assert.StartsWith(text, disk.Difference, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_source_under_another_target_is_a_difference_of_both()
    {
        IReadOnlyList<DiskFacts> disks = Merge(Vda, Disk("vdf", "/images/a.qcow2"));

        Assert.Equal(
            [
                "is /images/a.qcow2 (qcow2) in the running guest, which the definition for the next start has as disk "
                    + "vdf",
                "is /images/a.qcow2 (qcow2) in the definition for the next start, which the running guest has as disk "
                    + "vda",
            ],
            disks.Select(disk => disk.Difference));
    }

    [Theory]
    [InlineData(
        "<disk type='block' device='disk'><driver name='qemu' type='qcow2'/><source dev='/images/a.qcow2'/>", Vda)]
    [InlineData(
        Rbd + "<source protocol='rbd' name='rbd/a'/>",
        Rbd + "<source protocol='rbd' name='rbd/b'/><target dev='vda'/></disk>")]
    public void Another_kind_of_source_or_another_image_is_a_difference(string live, string next) =>
        Assert.NotNull(Assert.Single(Merge(live + "<target dev='vda'/></disk>", next)).Difference);

    private static string Disk(string target, string path, string format = "qcow2") =>
        $"<disk type='file' device='disk'><driver name='qemu' type='{format}'/><source file='{path}'/><target "
            + $"dev='{target}'/></disk>";

    private static IReadOnlyList<DiskFacts> Merge(string live, string next) =>
        DiskMerge.Merge(Disks(live), Disks(next));

    private static IReadOnlyList<DiskFacts> Disks(string disks) =>
        DomainXml.Disks(DomainXml.Parse($"<domain><devices>{disks}</devices></domain>"));
}
