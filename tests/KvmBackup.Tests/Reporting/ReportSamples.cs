using KvmBackup.Reporting;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Reporting;

/// <summary>A report of each command with a value in every field.</summary>
public static class ReportSamples
{
    public static readonly CompletedBackup Backup =
        new("/backup/web1/20261120T020000Z-full", ManifestSamples.Create(), true);

    private static readonly RecoveryReport Recovery = new(
    [
        new("web1", true, ["thawed", "vda: committed /images/web1.kvmbackup"]),
        new("db1", false, ["vda: the overlay is in use by process 7"]),
    ]);

    private static readonly CompletedBackup Merged = Backup with
    {
        Manifest = Backup.Manifest with
        {
            FrozenFor = null,
            ConsistencyReason = null,
            MergedFrom = [ManifestSamples.Id, new BackupId(ManifestSamples.Id.Instant.AddDays(1))],
            Snapshots = [new ManifestSnapshot("before upgrade", "snapshot-1.xml", true)],
            Definitions = [new SavedDefinition(RequirementKind.Network, "lan", "network-1.xml")],
            HostResources = [new HostResource(RequirementKind.NetworkDevice, "eth1")],
        },
    };

    /// <summary>By the name of the golden file: the command and what prints its report.</summary>
    public static readonly IReadOnlyDictionary<string, (string? Command, Action<IReports> Print)> All =
        new Dictionary<string, (string?, Action<IReports>)>
        {
            ["run"] = ("run", reports => reports.Print(Run())),
            ["backup"] = ("backup", reports => reports.Print(DryRun())),
            ["compare"] = ("compare", reports => reports.Print(Compare())),
            ["list"] = ("list", reports => reports.Print(List())),
            ["show"] = ("show", reports => reports.Print(Backup, withFiles: false)),
            ["show-files"] = ("show", reports => reports.Print(Merged, withFiles: true)),
            ["verify"] = ("verify", reports => reports.Print(Verify())),
            ["restore"] = ("restore", reports => reports.Print(Restore(), isDryRun: false)),
            ["restore-dry-run"] = ("restore", reports => reports.Print(RestoreDryRun(), isDryRun: true)),
            ["assemble"] = ("assemble", reports => reports.Print(Assemble(), isDryRun: false)),
            ["salvage"] = ("restore", reports => reports.Print(Salvage())),
            ["cat-failure"] = ("cat", reports => reports.PrintError("There is no disk 'vdz'.", ExitCode.Usage)),
            ["prune"] = ("prune", reports => reports.Print(Prune())),
            ["check"] = ("check", reports => reports.Print(Check())),
            ["recover"] = ("recover", reports => reports.Print(Recovery)),
            ["snapshots-list"] = ("snapshots list", reports => reports.Print(
                Snapshots([], ["rbd/vm-1@kvmbackup.old"], []))),
            ["snapshots-trim"] = ("snapshots trim", reports => reports.Print(
                Snapshots(["rbd/vm-1@kvmbackup.1"], [], ["web1: the cluster does not answer"]))),
            ["failure"] = (null, reports => reports.PrintError(
                "There is no command 'bakup'. Did you mean 'backup'?\nSee kvmbackup --help.", ExitCode.Usage)),
        };

    private static RunReport Run() => new(
        AcceleratedTime.Start, TimeSpan.FromSeconds(75.5), Recovery,
        [
            new JobReport(
                new DomainName("web1"), JobOutcome.Succeeded, "due today", Backup.Manifest, TimeSpan.FromSeconds(12),
                ["the agent did not answer"], [new RetentionVerdict(Backup, false, "older than the newest 4")], [])
            {
                Merged = [Merged],
                Damages = ["20261119T020000Z: its archive is too short"],
            },
            JobReport.Without(
                new DomainName("db1"), JobOutcome.NeedsManualAction, "vda: the guest runs on its overlay"),
            JobReport.Without(new DomainName("old"), JobOutcome.Failed, "libvirt has no such domain"),
            JobReport.Without(new DomainName("dev"), JobOutcome.Skipped, "not due today"),
        ]);

    private static RunReport DryRun() => new(
        AcceleratedTime.Start, TimeSpan.FromSeconds(1), RecoveryReport.Nothing,
        [
            JobReport.Without(new DomainName("web1"), JobOutcome.Planned, "requested") with
            {
                Commands = ["mkdir -m 0700 /backup/web1/20261120T020000Z-full.partial"],
            },
        ]);

    private static ListReport List() => new("/backup", [Backup], ["web1/old: a symbolic link"])
    {
        Damages = ["web1/20261119T020000Z: its archive is too short"],
    };

    private static CompareReport Compare() => new(
        Backup.Domain, Backup.Id, new DomainName("renamed"), Consistency.Crash,
        [
            new FileComparison(new DiskTarget("vda"), "vda.qcow2", ComparisonVerdict.Same)
            {
                BackupBytes = 512,
                SourceBytes = 512,
            },
            new FileComparison(new DiskTarget("vdb"), "vdb.raw", ComparisonVerdict.OtherSize)
            {
                BackupBytes = 8192,
                SourceBytes = 4096,
                DifferentBytes = 4096,
                FirstDifferenceBytes = 4100,
                Differences = [new Extent(4096, 4096)],
                DifferenceCount = 1,
            },
            new FileComparison(
                new DiskTarget("vdc"), "vdc.raw", ComparisonVerdict.OtherForm,
                "the backup holds raw, and the source is qcow2 now"),
            new FileComparison(new DiskTarget("vdd"), "vdd", ComparisonVerdict.NotInBackup, "the disk is excluded"),
        ],
        RecoveryReport.Nothing, ["the domain was renamed"], ["vda: commit failed. To retry: kvmbackup recover"],
        TimeSpan.FromSeconds(2));

    private static VerifyReport Verify() => new(
        [
            new VerifyResult(
                Backup, TimeSpan.FromSeconds(3.25), [new("web1.tar.gz", 8192, ["web1/vda.qcow2"], "a bad checksum")]),
            new VerifyResult(Backup, TimeSpan.FromSeconds(3), [new("index.bin", null, [], "it is missing")]),
            new VerifyResult(Backup, TimeSpan.FromSeconds(3), []),
        ],
        ["web1/20261119T020000Z-full.partial: a run has not finished it"], HasDamagedEntry: false)
    {
        Depth = VerifyDepth.Sample(0.05),
    };

    private static RestoreReport Restore() => new(
        Backup.Domain, Backup.Id, new DomainName("copy"), ["/srv/copy-vda.qcow2"], ["/srv/template.qcow2"], true, false,
        1048576, TimeSpan.FromSeconds(4), ["vdb has no source"], ["No domain was defined."])
    {
        IsAutostarted = true,
        StartCommand = "virsh start --domain copy",
    };

    private static RestoreReport RestoreDryRun() => Restore() with
    {
        WrittenFiles = [],
        IsDefined = false,
        IsAutostarted = false,
        StartCommand = null,
        DataBytes = 0,
        Commands = ["write /srv/copy-vda.qcow2 from vda.qcow2", "virsh define domain.xml"],
    };

    private static RestoreReport Assemble() => new(
        Backup.Domain, Backup.Id, Backup.Domain, ["/srv/web1.raw"], [], false, false, 4096,
        TimeSpan.FromSeconds(1), [], []);

    private static SalvageReport Salvage() => new(
        Backup.Domain, Backup.Id,
        [
            new SalvagedFile("/srv/web1-vda.qcow2.damaged", 500_000, false, [new Extent(65536, 4096)])
            {
                Unproven = [new Extent(131072, 512)],
            },
            new SalvagedFile("/srv/domain.xml", 10, true, []),
        ],
        ["index.bin: it is missing"], TimeSpan.FromSeconds(5));

    private static PruneReport Prune() => new(
        [new(Backup, true, "protected"), new(Merged, false, "older than the newest 4")],
        ["other: no domain of the configuration"], ["db1: cannot be deleted: Permission denied"], IsDryRun: true)
    {
        Merged = [Merged],
        Damages = ["web1/20261119T020000Z: its archive is too short"],
    };

    private static CheckReport Check() => new(
    [
        new("virsh", FindingSeverity.Good, "libvirt 12.0.0", null),
        new("domain web1", FindingSeverity.Warning, "the agent does not answer", "install qemu-guest-agent"),
        new("target", FindingSeverity.Bad, "/backup is not mounted", "mount it"),
        new("backups of web1", FindingSeverity.Bad, "20261119T020000Z: its archive is too short", null)
        {
            IsDamage = true,
        },
    ]);

    private static SnapshotsReport Snapshots(
        IReadOnlyList<string> removed, IReadOnlyList<string> pending, IReadOnlyList<string> failures) => new(
        [
            (new DomainName("web1"), new SnapshotVerdict(
                new DiskTarget("vdb"), RbdImage.Parse("rbd/vm-1"), new RbdSnapshot(4, "kvmbackup.1", 1 << 20, true),
                SnapshotDisposition.Kept, "the next increment depends on it")),
        ],
        removed, failures, IsDryRun: false)
        {
            PendingDeletions = pending,
        };
}
