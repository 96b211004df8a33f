using KvmBackup.Planning;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Planning;

public sealed class RestorePlannerTests
{
    private static readonly RestoreRequest InPlace = new(
        new DomainName("web1"), null, null, null, null, false, false, null, false);

    private static readonly ManifestDisk Clone = new(Web1.Vda, BackupKind.Full, 1 << 30,
    [
        new ManifestLayer("vda.qcow2", "qcow2", "/images/web1.qcow2", false, ManifestSamples.Sum('a'), 10),
        new ManifestLayer(
            "vda.backing1.qcow2", "qcow2", "/templates/debian.qcow2", false, ManifestSamples.Sum('b'), 10),
        new ManifestLayer("vda.backing2.raw", "raw", "/templates/bottom.img", false, ManifestSamples.Sum('c'), 10),
    ]);

    private static readonly ManifestDisk Device = new(Web1.Vdb, BackupKind.Full, 1 << 30,
        [new ManifestLayer("vdb.raw", "raw", "/dev/vg/data", true, ManifestSamples.Sum('d'), 10)]);

    private static readonly Manifest Backup = ManifestSamples.Create() with
    {
        Disks = [Clone, Device],
        Files = [new AuxiliaryFile("kernel", "/boot/vmlinuz"), new AuxiliaryFile("nvram.fd", "/nvram/web1.fd")],
    };

    [Fact]
    public void In_place_all_files_get_their_original_paths_and_backing_files_come_first()
    {
        RestorePlan plan = RestorePlanner.Plan(Backup, InPlace);

        Assert.Equal(
            [
                "vda.backing2.raw -> /templates/bottom.img KeepIfIdentical",
                "vda.backing1.qcow2 -> /templates/debian.qcow2 KeepIfIdentical",
                "vda.qcow2 -> /images/web1.qcow2 Refuse",
                "vdb.raw -> /dev/vg/data Refuse device",
                "kernel -> /boot/vmlinuz KeepIfIdentical",
                "nvram.fd -> /nvram/web1.fd KeepIfIdentical",
            ],
            Describe(plan));
        Assert.Equal(("web1", null, false), (plan.Name.Value, plan.Edit.NewName, plan.Define));
    }

    [Fact]
    public void Replace_applies_to_the_guest_s_own_files_and_never_to_shared_ones()
    {
        RestorePlan plan = RestorePlanner.Plan(Backup, InPlace with { Replace = Backup.Domain });

        Assert.Equal(
            [
                "vda.backing2.raw -> /templates/bottom.img KeepIfIdentical",
                "vda.backing1.qcow2 -> /templates/debian.qcow2 KeepIfIdentical",
                "vda.qcow2 -> /images/web1.qcow2 Replace",
                "vdb.raw -> /dev/vg/data Replace device",
                "kernel -> /boot/vmlinuz KeepIfIdentical",
                "nvram.fd -> /nvram/web1.fd Replace",
            ],
            Describe(plan));
    }

    [Fact]
    public void A_replaced_guest_is_defined_and_a_replaced_disk_is_not()
    {
        RestoreRequest whole = InPlace with { Replace = Backup.Domain };

        Assert.True(RestorePlanner.Plan(Backup, whole).Define);
        Assert.False(RestorePlanner.Plan(Backup, whole with { Disk = Web1.Vda }).Define);
        Assert.False(RestorePlanner.Plan(Backup, whole with { TargetDirectory = "/new" }).Define);
    }

    [Fact]
    public void Only_written_block_devices_can_be_named_for_replacement()
    {
        _ = RestorePlanner.Plan(Backup, InPlace with { ReplacedDevices = ["/dev/vg/data"] });

        PlanningException failure = Assert.Throws<PlanningException>(
            () => RestorePlanner.Plan(Backup, InPlace with { ReplacedDevices = ["/dev/vg/dat"] }));
        Assert.Equal("--replace-device names /dev/vg/dat, but this restore writes /dev/vg/data.", failure.Message);
    }

    [Fact]
    public void Records_of_snapshots_are_restored_in_place_and_otherwise_reported()
    {
        Manifest backup = Backup with { Snapshots = [new ManifestSnapshot("point", "snapshot-1.xml", true)] };

        Assert.Equal(backup.Snapshots, RestorePlanner.Plan(backup, InPlace with { Define = true }).Snapshots);
        Assert.Empty(RestorePlanner.Plan(backup, InPlace).Snapshots);
        RestorePlan copy = RestorePlanner.Plan(
            backup, InPlace with { Define = true, TargetDirectory = "/new", NewName = new DomainName("copy") });
        Assert.Empty(copy.Snapshots);
        Assert.Contains(copy.Warnings, warning => warning.Contains("left out: point.", StringComparison.Ordinal));
    }

    [Fact]
    public void In_another_folder_the_layers_name_each_other_without_a_path()
    {
        RestorePlan plan = RestorePlanner.Plan(Backup, InPlace with { TargetDirectory = "/new" });

        Assert.Equal(
            [
                "vda.backing2.raw -> /new/web1-vda.backing2.raw Refuse",
                "vda.backing1.qcow2 -> /new/web1-vda.backing1.qcow2 Refuse on web1-vda.backing2.raw:raw",
                "vda.qcow2 -> /new/web1-vda.qcow2 Refuse on web1-vda.backing1.qcow2:qcow2",
                "vdb.raw -> /new/web1-vdb.raw Refuse",
                "kernel -> /new/web1-kernel KeepIfIdentical",
                "nvram.fd -> /new/web1-nvram.fd KeepIfIdentical",
            ],
            Describe(plan));
        Assert.Equal("/new/web1-vda.qcow2", plan.Edit.DiskPaths[Web1.Vda]);
        Assert.Equal("/new/web1-vdb.raw", plan.Edit.DiskPaths[Web1.Vdb]);
        Assert.Equal("/new/web1-nvram.fd", plan.Edit.FilePaths["/nvram/web1.fd"]);
    }

    [Fact]
    public void A_copy_is_beside_its_original_under_its_own_name()
    {
        Manifest backup = Backup with { Disks = [Clone] };

        RestorePlan plan = RestorePlanner.Plan(
            backup, InPlace with { NewName = new DomainName("web 2"), Define = true });

        Assert.Equal(["/images/web 2-vda.backing2.raw", "/images/web 2-vda.backing1.qcow2", "/images/web 2-vda.qcow2"],
            plan.Files.Take(3).Select(file => file.FilePath));
        Assert.Equal(("web 2", "web 2", true), (plan.Name.Value, plan.Edit.NewName?.Value, plan.Define));
    }

    [Fact]
    public void A_hostile_name_of_a_copy_does_not_leave_its_directory()
    {
        foreach (string name in new[] { "../../etc/x", "nbd:host:1", "-rf" })
        {
            RestorePlan plan = RestorePlanner.Plan(
                Backup, InPlace with { NewName = new DomainName(name), TargetDirectory = "/new" });

            Assert.All(
                plan.Files, file => Assert.Equal("/new", Path.GetDirectoryName(Path.GetFullPath(file.FilePath))));

            // qemu-img takes the text before a colon in a backing file's name for a protocol.
            Assert.All(plan.Files.Select(file => file.Backing?.Name ?? "a"), backing =>
                Assert.False(backing.Contains(':', StringComparison.Ordinal) || backing.StartsWith('-')));
        }
    }

    [Fact]
    public void A_copy_of_a_block_device_requires_a_destination()
    {
        PlanningException failure = Assert.Throws<PlanningException>(
            () => RestorePlanner.Plan(Backup, InPlace with { NewName = new DomainName("web2") }));

        Assert.Contains("give a folder with --to DIR", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("/new")]
    public void One_disk_is_restored_with_its_layers_only(string? target)
    {
        RestorePlan plan = RestorePlanner.Plan(Backup, InPlace with { Disk = Web1.Vda, TargetDirectory = target });

        Assert.Equal(
            ["vda.backing2.raw", "vda.backing1.qcow2", "vda.qcow2"], plan.Files.Select(file => file.MemberName));
        Assert.Empty(plan.Warnings);
    }

    [Fact]
    public void A_disk_missing_from_the_backup_is_refused_with_the_reason()
    {
        Assert.Contains("(a cdrom holds nothing of the guest's); it holds vda, vdb",
            Refusal(InPlace with { Disk = new DiskTarget("sda") }), StringComparison.Ordinal);
        Assert.Contains("disk vdz is not in this backup; it holds vda, vdb",
            Refusal(InPlace with { Disk = new DiskTarget("vdz") }), StringComparison.Ordinal);
    }

    [Fact]
    public void Contradictory_options_are_refused()
    {
        RestoreRequest disk = InPlace with { Disk = Web1.Vda };
        foreach (RestoreRequest request in new[] { disk with { Define = true }, disk with { Start = true },
            disk with { NewName = new DomainName("b") } })
        {
            Assert.Contains("One disk cannot be defined", Refusal(request), StringComparison.Ordinal);
        }

        Assert.Contains("--replace names db1, but this restore is of web1",
            Refusal(InPlace with { Replace = new DomainName("db1") }), StringComparison.Ordinal);
        Assert.Contains("--replace names web1, but this restore is of web2",
            Refusal(InPlace with { Replace = Backup.Domain, NewName = new DomainName("web2"), TargetDirectory = "/n" }),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Start_implies_define_and_a_missing_disk_is_reported()
    {
        RestorePlan plan = RestorePlanner.Plan(Backup, InPlace with { Start = true });

        Assert.True(plan is { Define: true, Start: true });
        Assert.Contains("disk sda is not in this backup", Assert.Single(plan.Warnings), StringComparison.Ordinal);
    }

    private static string Refusal(RestoreRequest request)
    {
        PlanningException failure = Assert.Throws<PlanningException>(() => RestorePlanner.Plan(Backup, request));
        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        return failure.Message;
    }

    private static IEnumerable<string> Describe(RestorePlan plan) => plan.Files.Select(file =>
        $"{file.MemberName} -> {file.FilePath} {file.WhenExisting}{(file.IsBlockDevice ? " device" : string.Empty)}"
        + (file.Backing is { } backing ? $" on {backing.Name}:{backing.Format}" : string.Empty));
}
