using KvmBackup.Configuration;
using KvmBackup.Planning;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Planning;

public sealed class DomainPlannerTests
{
    private const string Virsh = "virsh --connect qemu:///x";

    private static readonly DiskFacts Disk =
        new(Web1.Vda, "disk", DiskSourceType.File, "/images/a.qcow2", "qcow2", false, false, null);

    private static readonly DomainFacts Domain = new(
        Web1.Identity.Name, Web1.Uuid, DomainState.Running, true, true, false, [Disk], [], [], null, [],
        new DomainDefinition(string.Empty, string.Empty, string.Empty));

    [Fact]
    public async Task Every_disk_of_a_real_guest_is_backed_up_except_its_empty_drive()
    {
        DomainPlan plan = DomainPlanner.Plan(await Web1.DescribeAsync(), Web1.Settings, Virsh);

        Assert.Equal([Web1.Vda, Web1.Vdb], plan.Taken.Select(disk => disk.Target));
        Assert.Equal([new SkippedDisk(new DiskTarget("sda"), "a cdrom drive (empty)")], plan.Skipped);
        Assert.Empty(plan.Refusals);
        Assert.Empty(plan.Warnings);
    }

    public static TheoryData<DiskFacts, string> Skipped => new()
    {
        { Disk with { Device = "cdrom", SourcePath = "/a.iso" }, "a cdrom drive (/a.iso)" },
        {
            Disk with { Device = "floppy", SourceType = DiskSourceType.None, SourcePath = null },
            "a floppy drive (empty)"
        },
        { Disk with { SourceType = DiskSourceType.None, SourcePath = null }, "no medium" },
        { Disk with { IsReadOnly = true }, "read-only (/images/a.qcow2)" },
        { Disk with { IsShareable = true }, "shareable: another guest may write to /images/a.qcow2 at any time" },
        {
            Disk with { SourceType = DiskSourceType.Dir, SourcePath = null, IsReadOnly = true },
            "a folder of this host that QEMU presents as a disk (type='dir'), not a disk with content of its own"
        },
        { Disk with { Device = "cdrom", BlockJob = "copy" }, "a cdrom drive (/images/a.qcow2)" },
    };

    [Theory]
    [MemberData(nameof(Skipped))]
    public void A_disk_is_left_out_with_its_reason(DiskFacts disk, string reason)
    {
        DomainPlan plan = Plan(Domain with { Disks = [disk, Disk with { Target = Web1.Vdb }] });

        Assert.Equal([new SkippedDisk(Web1.Vda, reason)], plan.Skipped);
        Assert.Equal([Web1.Vdb], plan.Taken.Select(taken => taken.Target));
        Assert.Empty(plan.Refusals);
    }

    [Fact]
    public void A_disk_with_an_unknown_source_is_refused_unless_it_is_excluded()
    {
        DiskFacts doubtful = Disk with { Refusal = "is /dev/rbd3, which is not mapped" };

        Assert.StartsWith(
            "disk vda is /dev/rbd3, which is not mapped; or exclude it",
            Assert.Single(Plan(Domain with { Disks = [doubtful] }).Refusals),
            StringComparison.Ordinal);
        Assert.Empty(
            Plan(Domain with { Disks = [doubtful, Disk with { Target = Web1.Vdb }], Excluded = [Web1.Vda] }).Refusals);
    }

    [Fact]
    public void The_notice_of_a_disk_is_reported_when_it_is_backed_up()
    {
        DiskFacts partition = Disk with { Notice = "is a partition" };

        Assert.Equal(["disk vda is a partition"], Plan(Domain with { Disks = [partition] }).Warnings);
        Assert.Empty(
            Plan(Domain with { Disks = [partition, Disk with { Target = Web1.Vdb }], Excluded = [Web1.Vda] }).Warnings);
    }

    [Theory]
    [InlineData("qcow2"), InlineData("raw"), InlineData("vmdk"), InlineData("vdi"), InlineData("vpc")]
    [InlineData("qed"), InlineData("qcow")]
    public void A_disk_of_any_format_that_QEMU_writes_is_backed_up(string format) => Assert.Equal(
        [Web1.Vda], Plan(Domain with { Disks = [Disk with { Format = format }] }).Taken.Select(disk => disk.Target));

    [Fact]
    public void A_folder_of_the_host_that_is_left_out_is_reported_each_time() => Assert.StartsWith(
        "disk vda is not in this backup: a folder of this host",
        Assert.Single(Plan(Domain with
        {
            Disks = [Disk with { SourceType = DiskSourceType.Dir }, Disk with { Target = Web1.Vdb }],
        }).Warnings), StringComparison.Ordinal);

    [Fact]
    public void A_disk_excluded_in_the_metadata_is_left_out()
    {
        DomainPlan plan = Plan(Domain with
        {
            Disks = [Disk, Disk with { Target = Web1.Vdb, Format = "dmg" }],
            Excluded = [Web1.Vdb, new DiskTarget("vdz")],
        });

        Assert.Equal(
            [new SkippedDisk(Web1.Vdb, "excluded in the domain's metadata (kvmbackup:exclude)")], plan.Skipped);
        Assert.Equal([Web1.Vda], plan.Taken.Select(taken => taken.Target));
        Assert.Empty(plan.Refusals);
        Assert.Equal(
            "the domain's metadata exclude disk vdz, which the domain does not have", Assert.Single(plan.Warnings));
    }

    public static TheoryData<DiskFacts, string[]> Refused => new()
    {
        { Disk with { BlockJob = "copy" },
            ["another program's block job (copy)", $"`{Virsh} blockjob {Web1.Uuid} vda --info"] },
        { Disk with { IsTransient = true }, ["is transient (<transient/>)", "exclude: [vda]"] },
        { Disk with { Device = "lun" }, ["is a lun (device='lun')", "exclude: [vda]"] },
        { Disk with { SourcePath = null }, ["has no path", "exclude: [vda]"] },
        { Disk with { SourceType = DiskSourceType.Network, SourcePath = null },
            ["has a source of the type network", "exclude: [vda]"] },
        { Disk with { SourceType = DiskSourceType.Volume, SourcePath = null },
            ["has a source of the type volume", "exclude: [vda]"] },
        { Disk with { SourceType = DiskSourceType.Other, SourcePath = null },
            ["has a source of the type other", "exclude: [vda]"] },
        { Disk with { Encryption = new DiskEncryption("qcow", Web1.Uuid, null) },
            ["is encrypted in the format qcow", "exclude: [vda]"] },
        { Disk with { Format = "dmg" }, ["the format dmg", "vdi", "exclude: [vda]"] },
        { Disk with { SourceType = DiskSourceType.Nvme, SourcePath = null },
            ["is an NVMe device", "type='nvme'", "exclude: [vda]"] },
        {
            Disk with { SourcePath = Web1.VdaOverlay.OverlayPath },
            [$"overlay of an interrupted backup, {Web1.VdaOverlay.OverlayPath}",
                $"{Virsh} blockcommit {Web1.Uuid} vda --shallow --active --pivot"]
        },
        {
            Disk with { SourcePath = "/images/snapshot_web1-1a2b3c4d.img" },
            ["overlay that kvmBackup left", $"{Virsh} blockcommit {Web1.Uuid} vda --shallow --active --pivot"]
        },
        {
            Disk with { SourcePath = Web1.VdaOverlay.OverlayPath, BlockJob = "active-commit" },
            ["being committed", $"`{Virsh} blockjob {Web1.Uuid} vda --pivot"]
        },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_disk_that_cannot_be_backed_up_refuses_the_domain_with_a_hint(DiskFacts disk, string[] words)
    {
        DomainPlan plan = Plan(Domain with { Disks = [disk, Disk with { Target = Web1.Vdb }] });

        string refusal = Assert.Single(plan.Refusals);
        Assert.StartsWith("disk vda ", refusal, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, refusal, StringComparison.Ordinal));
    }

    [Fact]
    public void A_transient_disk_is_backed_up_while_its_guest_is_shut_off() => Assert.Empty(
        Plan(Domain with { Disks = [Disk with { IsTransient = true }], State = DomainState.ShutOff }).Refusals);

    [Fact]
    public void A_commit_is_advised_for_a_disk_on_an_overlay_even_when_the_definitions_differ()
    {
        DiskFacts left = Disk with
        {
            SourcePath = Web1.VdaOverlay.OverlayPath,
            Difference = "is a in the running guest, and b in the definition",
        };

        string refusal = Assert.Single(Plan(Domain with { Disks = [left] }).Refusals);

        Assert.Contains("overlay of an interrupted backup", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("in the definition", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shut_off_guest_on_an_overlay_is_started_before_the_commit()
    {
        DiskFacts disk = Disk with { SourcePath = Web1.VdaOverlay.OverlayPath };

        string refusal = Plan(Domain with { Disks = [disk], State = DomainState.ShutOff }).Refusals.Single();

        Assert.Contains($"`{Virsh} start {Web1.Uuid} && {Virsh} blockcommit", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void An_excluded_disk_of_any_kind_is_left_out()
    {
        DiskFacts network = Disk with { SourceType = DiskSourceType.Network, SourcePath = null, BlockJob = "copy" };

        DomainPlan plan = Plan(
            Domain with { Disks = [network, Disk with { Target = Web1.Vdb }] },
            Web1.Settings with { Disks = new DiskSelection([Web1.Vda]) });

        Assert.Equal([new SkippedDisk(Web1.Vda, "excluded in the configuration")], plan.Skipped);
        Assert.Empty(plan.Refusals);
    }

    public static TheoryData<DomainFacts, string> RefusedDomains => new()
    {
        { Domain with { State = DomainState.Other }, "shutting down or in an unknown state" },
        { Domain with { RunningJob = "Unbounded" }, "another program's job runs on it (Unbounded)" },
        { Domain with { Disks = [] }, "it has no disk that can be backed up" },
        { Domain with { Disks = [Disk with { IsReadOnly = true }] }, "no disk that can be backed up: vda: read-only" },
    };

    [Theory]
    [MemberData(nameof(RefusedDomains))]
    public void A_domain_is_refused_with_its_reason(DomainFacts domain, string reason) =>
        Assert.Contains(reason, Assert.Single(Plan(domain).Refusals), StringComparison.Ordinal);

    [Fact]
    public void All_refusals_are_reported_together() => Assert.Equal(2, Plan(Domain with
    {
        RunningJob = "Unbounded",
        Disks = [Disk with { Format = "dmg" }],
    }).Refusals.Count);

    public static TheoryData<DomainFacts, string> Warned => new()
    {
        {
            Domain with { Disks = [Disk with { Encryption = new DiskEncryption("luks", Web1.Uuid, null) }] },
            "disk vda is encrypted and backed up in encrypted form; a restored guest requires "
                + $"libvirt's secret {Web1.Uuid}"
        },
        { Domain with { HasTpm = true }, "the state of its TPM is not in this backup" },
        { Domain with { Checkpoints = ["virtnbdbackup.0"] }, "keeps checkpoints on it (virtnbdbackup.0)" },
        { Domain with { IsPersistent = false }, "it is transient" },
        { Domain with { Disks = [Disk, Disk with { Target = Web1.Vdb, IsShareable = true }] },
            "disk vdb is not in this backup: shareable" },
    };

    [Theory]
    [MemberData(nameof(Warned))]
    public void Data_missing_from_the_backup_are_reported(DomainFacts domain, string warning)
    {
        DomainPlan plan = Plan(domain);

        Assert.Empty(plan.Refusals);
        Assert.Contains(warning, Assert.Single(plan.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_disk_with_different_sources_in_the_definitions_refuses_the_domain_with_a_hint()
    {
        DiskFacts vdb = Disk with
        {
            Target = Web1.Vdb,
            Difference =
            "is /images/b in the running guest, and /images/c in the next"
        };

        string refusal = Assert.Single(Plan(Domain with { Disks = [Disk, vdb] }).Refusals);

        Assert.StartsWith("disk vdb is /images/b in the running guest, and /images/c in the next; ", refusal,
            StringComparison.Ordinal);
        Assert.All(
            [$"`{Virsh} shutdown {Web1.Uuid}` ; when it is off: `{Virsh} start {Web1.Uuid}` ; ",
                $"`{Virsh} edit {Web1.Uuid}`", "disks: {exclude: [vdb]}"],
            words => Assert.Contains(words, refusal, StringComparison.Ordinal));
        Assert.Empty(Plan(Domain with { Disks = [Disk, vdb], Excluded = [Web1.Vdb] }).Refusals);
    }

    [Theory]
    [InlineData(DiskPresence.RunningOnly, "disk vdb (/images/a.qcow2 (qcow2)) is attached to the running guest only")]
    [InlineData(
        DiskPresence.NextStartOnly, "disk vdb (/images/a.qcow2 (qcow2)) is in the definition for the next start only")]
    public void A_disk_in_one_definition_only_is_backed_up_and_reported(DiskPresence presence, string warning)
    {
        DomainPlan plan = Plan(Domain with { Disks = [Disk, Disk with { Target = Web1.Vdb, Presence = presence }] });

        Assert.Equal([Web1.Vda, Web1.Vdb], plan.Taken.Select(disk => disk.Target));
        Assert.StartsWith(warning, Assert.Single(plan.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void The_exclusion_of_a_missing_disk_is_reported() => Assert.Equal(
        ["the configuration excludes disk vdz, which the domain does not have"],
        Plan(Domain, Web1.Settings with { Disks = new DiskSelection([new DiskTarget("vdz")]) }).Warnings);

    [Fact]
    public void A_guest_that_nothing_selects_is_backed_up_with_a_warning() => Assert.Contains(
        "no rule of the configuration selects it",
        Assert.Single(Plan(Domain, Web1.Settings with { IsUnlisted = true }).Warnings), StringComparison.Ordinal);

    private static DomainPlan Plan(DomainFacts domain, DomainSettings? settings = null) =>
        DomainPlanner.Plan(domain, settings ?? Web1.Settings, Virsh);
}
