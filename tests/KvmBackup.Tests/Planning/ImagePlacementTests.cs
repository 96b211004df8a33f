using KvmBackup.Planning;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Planning;

public sealed class ImagePlacementTests
{
    private static readonly RestoreRequest InPlace = new(
        new DomainName("web1"), null, null, null, null, false, false, null, false);

    private static readonly Manifest Backup = ManifestSamples.Create() with
    {
        Disks =
        [
            new ManifestDisk(Web1.Vda, BackupKind.Full, 1 << 30,
                [new ManifestLayer("vda.qcow2", "qcow2", "/images/web1.qcow2", false, ManifestSamples.Sum('a'), 10)]),
            new ManifestDisk(Web1.Vdb, BackupKind.Incremental, 2 << 20,
                [new ManifestLayer(
                    "vdb.rbddiff", ManifestLayer.RbdDiffFormat, "fast/ns/data", false, ManifestSamples.Sum('b'), 10)])
            {
                Image = new ManifestImage(RbdImage.Parse("fast/ns/data"), "1a", "s2", ManifestSamples.Id, "s1", []),
            },
            new ManifestDisk(new DiskTarget("vdc"), BackupKind.Full, 1 << 20,
                [new ManifestLayer("vdc.raw", "raw", "/images/web1.img", false, ManifestSamples.Sum('c'), 1_000_001)]),
        ],
        Files = [new AuxiliaryFile("kernel", "/boot/vmlinuz")],
    };

    [Fact]
    public void In_place_each_disk_is_restored_to_its_image_and_the_definition_is_unchanged()
    {
        RestorePlan plan = RestorePlanner.Plan(Backup, InPlace with { Define = true });

        Assert.Equal(["vdb Chain 2097152 -> rbd:fast/ns/data"], Describe(plan));
        Assert.Equal(
            ["/images/web1.qcow2", "/images/web1.img", "/boot/vmlinuz"], plan.Files.Select(file => file.FilePath));
        Assert.Empty(plan.Edit.DiskImages);
        Assert.DoesNotContain(plan.Warnings, warning => warning.Contains("had no RBD disk", StringComparison.Ordinal));
    }

    [Fact]
    public void A_copy_has_its_image_in_the_pool_of_the_original()
    {
        RestorePlan plan = RestorePlanner.Plan(Backup, InPlace with { NewName = new DomainName("web@2") });

        Assert.Equal(["vdb Chain 2097152 -> rbd:fast/ns/web%402-vdb"], Describe(plan));
        Assert.Equal("/images/web@2-vda.qcow2", plan.Files[0].FilePath);
        Assert.Equal("fast/ns/web%402-vdb", plan.Edit.DiskImages[Web1.Vdb].Spec);
    }

    [Fact]
    public void Every_disk_is_restored_into_a_cluster_in_its_own_form()
    {
        RestorePlan plan = RestorePlanner.Plan(
            Backup, InPlace with { Cluster = RbdDestination.Parse("rbd:slow"), Start = true });

        Assert.Equal(
            [
                "vda Qcow2 1073741824 -> rbd:slow/web1-vda", "vdb Chain 2097152 -> rbd:slow/web1-vdb",
                "vdc Raw 1000001 -> rbd:slow/web1-vdc",
            ],
            Describe(plan));
        Assert.Equal(["/boot/vmlinuz"], plan.Files.Select(file => file.FilePath));
        Assert.Equal(3, plan.Edit.DiskImages.Count);
    }

    [Fact]
    public void A_restore_of_disks_into_a_cluster_writes_no_files() => Assert.Empty(
        RestorePlanner.Plan(Backup, InPlace with { Cluster = RbdDestination.Parse("rbd:slow") }).Files);

    [Fact]
    public void Every_disk_is_restored_into_a_folder_as_a_file()
    {
        RestorePlan plan = RestorePlanner.Plan(Backup, InPlace with { TargetDirectory = "/new" });

        Assert.Empty(plan.Images);
        Assert.Equal(
            ["/new/web1-vda.qcow2", "/new/web1-vdb.raw", "/new/web1-vdc.raw", "/new/web1-kernel"],
            plan.Files.Select(file => file.FilePath));
    }

    [Fact]
    public void An_image_name_requires_a_single_disk()
    {
        RestoreRequest request = InPlace with { Cluster = RbdDestination.Parse("rbd:slow/ns/one") };

        Assert.Equal(["vdb Chain 2097152 -> rbd:slow/ns/one"],
            Describe(RestorePlanner.Plan(Backup, request with { Disk = Web1.Vdb })));
        Assert.Contains("name one with --disk, or omit the image's name: --to rbd:slow/ns/", Refusal(request),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Only_a_named_image_may_be_replaced()
    {
        RestoreRequest request = InPlace with { Replace = Backup.Domain };

        Assert.False(Assert.Single(RestorePlanner.Plan(Backup, request).Images).MayReplace);
        Assert.True(Assert.Single(
            RestorePlanner.Plan(
                Backup, request with { ReplacedImages = [RbdImage.Parse("fast/ns/data")] }).Images).MayReplace);
        Assert.Contains("names fast/data, but this restore writes fast/ns/data",
            Refusal(request with { ReplacedImages = [RbdImage.Parse("fast/data")] }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_definition_without_access_data_for_the_cluster_causes_a_warning()
    {
        Manifest files = Backup with { Disks = [Backup.Disks[0]] };
        RestoreRequest request = InPlace with { Cluster = RbdDestination.Parse("rbd:slow") };

        Assert.Contains(RestorePlanner.Plan(files, request with { Define = true }).Warnings, IsWarning);
        Assert.DoesNotContain(RestorePlanner.Plan(files, request).Warnings, IsWarning);

        static bool IsWarning(string warning) => warning.Contains("had no RBD disk", StringComparison.Ordinal);
    }

    [Fact]
    public void A_single_disk_need_not_be_named()
    {
        Assert.Equal(Web1.Vda, DiskChoice.Find(Backup with { Disks = [Backup.Disks[0]] }, null).Target);
        Assert.Contains("holds 3 disks, vda, vdb, vdc: name one with --disk",
            Assert.Throws<PlanningException>(() => DiskChoice.Find(Backup, null)).Message, StringComparison.Ordinal);
    }

    private static string Refusal(RestoreRequest request) =>
        Assert.Throws<PlanningException>(() => RestorePlanner.Plan(Backup, request)).Message;

    private static IEnumerable<string> Describe(RestorePlan plan) =>
        plan.Images.Select(image => $"{image.Disk.Target} {image.Form} {image.SizeBytes} -> {image}");
}
