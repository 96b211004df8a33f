using KvmBackup.Ceph;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Ceph;

public sealed class MappedImagesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_image_is_read_from_the_kernel_not_from_the_path()
    {
        Map(3, ("pool", "rbd"), ("pool_ns", "ns"), ("name", "a b"), ("image_id", "1024a8"), ("current_snap", "-"));
        Link("rbd/rbd/ns/a_b", "rbd3");
        Link("by-hand", "rbd3");

        foreach (string path in new[] { "rbd/rbd/ns/a_b", "rbd3", "by-hand" })
        {
            RbdSource source = Resolve(path).Rbd!;
            Assert.Equal(("rbd/ns/a b", "1024a8"), (source.Image.Spec, source.MappedId));
        }
    }

    [Fact]
    public void A_kernel_without_namespaces_is_supported()
    {
        Map(0, ("pool", "rbd"), ("name", "a"), ("image_id", "1"), ("current_snap", "-"));

        Assert.Equal("rbd/a", Resolve("rbd0").Rbd!.Image.Spec);
    }

    [Theory]
    [InlineData("rbd0p1", "-", "is a partition of the RBD image rbd/a,")]
    [InlineData("rbd0", "s", "is the snapshot rbd/a@s,")]
    public void A_partition_and_a_snapshot_stay_devices_with_a_notice(string device, string snapshot, string notice)
    {
        Map(0, ("pool", "rbd"), ("pool_ns", ""), ("name", "a"), ("image_id", "1"), ("current_snap", snapshot));
        File.WriteAllText(folder.PathOf("dev", device), string.Empty);

        DiskFacts disk = Resolve(device);

        Assert.Null(disk.Rbd);
        Assert.StartsWith(notice, disk.Notice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rbd/rbd/a", "rbd/a")]
    [InlineData("rbd/rbd/ns/a", "rbd/ns/a")]
    public void The_image_of_an_unmapped_device_is_read_from_its_path(string path, string image)
    {
        RbdSource source = Resolve(path).Rbd!;

        Assert.Equal((image, null), (source.Image.Spec, source.MappedId));
    }

    [Theory]
    [InlineData("rbd7", "its path names no image")]
    [InlineData("rbd/rbd/a-part1", "that of a snapshot or a partition")]
    [InlineData("rbd/rbd/a@s", "that of a snapshot or a partition")]
    [InlineData("rbd/rbd", "its path names no image")]
    [InlineData("rbd/-x/a", "its image cannot be determined")]
    public void An_unmapped_device_with_an_ambiguous_path_is_refused(string path, string reason)
    {
        DiskFacts disk = Resolve(path);

        Assert.Null(disk.Rbd);
        Assert.Contains(reason, disk.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_unknown_to_the_kernel_is_refused()
    {
        Map(0, ("pool", "rbd"));

        Assert.Contains("its image cannot be determined", Resolve("rbd0").Refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vg/rbd0")]
    [InlineData("rbd_group/a")]
    [InlineData("sda")]
    public void Other_devices_are_not_changed(string path)
    {
        Map(0, ("pool", "rbd"), ("name", "a"), ("image_id", "1"), ("current_snap", "-"));
        _ = Directory.CreateDirectory(folder.PathOf("dev", "vg"));
        File.WriteAllText(folder.PathOf("dev", "vg", "rbd0"), string.Empty);

        Assert.Equal(Disk(path), Resolve(path));
    }

    [Fact]
    public void A_qcow2_on_a_mapped_image_is_read_as_a_device()
    {
        Map(0, ("pool", "rbd"), ("name", "a"), ("image_id", "1"), ("current_snap", "-"));
        DiskFacts disk = Disk("rbd0") with { Format = "qcow2" };

        Assert.Equal(disk, Assert.Single(Mapped().Resolve([disk])));
    }

    private void Map(int number, params (string Name, string Text)[] values)
    {
        string entry = Directory.CreateDirectory(folder.PathOf("devices", $"{number}")).FullName;
        File.WriteAllText(Directory.CreateDirectory(folder.PathOf("dev")).FullName + $"/rbd{number}", string.Empty);
        foreach ((string name, string text) in values)
        {
            File.WriteAllText(Path.Combine(entry, name), text + "\n");
        }
    }

    private void Link(string path, string device)
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(folder.PathOf("dev", path))!);
        _ = File.CreateSymbolicLink(folder.PathOf("dev", path), folder.PathOf("dev", device));
    }

    private DiskFacts Resolve(string path) => Assert.Single(Mapped().Resolve([Disk(path)]));

    private MappedImages Mapped() => new(folder.PathOf("dev"), folder.PathOf("devices"));

    private DiskFacts Disk(string path) => new(
        Web1.Vdb, "disk", DiskSourceType.Block, folder.PathOf("dev", path), "raw", false, false, null);
}
