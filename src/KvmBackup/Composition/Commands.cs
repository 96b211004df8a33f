using KvmBackup.Ceph;
using KvmBackup.Cli;
using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Backup;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Compare;
using KvmBackup.Runs.Images;
using KvmBackup.Runs.Inspect;
using KvmBackup.Runs.Restore;
using KvmBackup.Runs.Retention;
using Serilog;

namespace KvmBackup.Composition;

/// <summary>What each command is made of.</summary>
internal static class Commands
{
    public static CommandFactories Compose(GlobalOptions options, TimeProvider time, ILogger log)
    {
        HostServices services = new(options, time, log);
        return new CommandFactories(
            () => services.Source.DirectoryPath,
            () => Backup(services),
            () => new ListRun(services.Source),
            () => new VerifyRun(services.Source, services.Verifier, time, log),
            () => Restore(services),
            () => new SalvageRun(services.Source, new ImageSalvage(log), Records(services), time, log),
            () => new AssembleRun(
                services.Source, Content(services), new QemuConversion(services.Runner), Records(services), time, log),
            () => new CatRun(services.Source, log),
            () => Compare(services),
            () => new PruneRun(services.Settings, services.Target, services.Merger, options.Wait, time, log),
            () => Check(services),
            services.Recover,
            () => Snapshots(services));
    }

    private static BackupRun Backup(HostServices services)
    {
        HostSettings settings = services.Settings;
        TimeProvider time = services.Time;
        ILogger log = services.Log;
        BackupWriter writer = new(
            services.Archiver, services.Cluster, services.Verifier, services.Faults, services.Priority,
            settings.HostName, time, log);
        BackupCleanup cleanup = new(
            new ImageTrimmer(services.Cluster, log), services.Retention, services.Merger, services.Faults,
            services.Priority);
        BackupWorkflow workflow = new(
            services.Archiver, services.Captures, writer, cleanup, services.Target, services.Faults, time, log);
        DryRun dryRun = new(
            services.Preflight, services.Agent, services.Snapshot, services.Commit, services.Target, time);
        GuestsRun guests = new(
            workflow, dryRun, (domain, wanted) => services.SubjectOf(domain, wanted, services.Target), log);
        ImageInspection inspection = services.ImageInspection;
        ImagesRun images = new(
            workflow, new ImageDryRun(inspection, services.Target, time), inspection, services.Pools, services.Target,
            services.Faults, time, log);
        return new BackupRun(
            settings, services.Host, services.Inventory, services.ExclusiveRuns(), guests, images, time, log);
    }

    private static CompareRun Compare(HostServices services)
    {
        CompareWorkflow workflow = new(
            services.Captures, services.Cluster, services.Priority, services.Time, services.Log);
        return new CompareRun(
            services.Settings, services.Source, services.Host, services.ExclusiveRuns(), workflow,
            (domain, wanted) => services.SubjectOf(domain, wanted, writtenTo: null),
            (image, wanted) => new ImageBackup(
                image, wanted, services.ImageInspection, target: null, services.Faults, services.Time),
            services.Log);
    }

    private static RestoreRun Restore(HostServices services)
    {
        RestoreRecords records = Records(services);
        RbdImageStore store = new(services.Cluster);
        bool isConfigured = services.Options.BackupDirectory is null;
        CephSettings CephOf(Manifest manifest) => isConfigured
            ? services.Settings.FindSettings(manifest)?.Ceph ?? CephSettings.None
            : CephSettings.None;
        RestorePreflight preflight = new(
            services.Host, new ImageDestinations(services.Access, services.Cluster, store, CephOf, services.Log),
            new HostCheck(services.Host.Definitions, new HostResources()));
        ImageRestorer images = new(
            services.Cluster, store, Content(services), new QemuConversion(services.Runner), services.Time,
            services.Log);
        RestoreWriter writer = new(
            services.QemuImage, Content(services), images, records, services.Log);
        return new RestoreRun(
            services.Source, preflight, writer, records, services.Definer, services.Keys, services.Time, services.Log);
    }

    private static CheckRun Check(HostServices services)
    {
        GuestCheck guests = new(
            services.Host, services.Agent, services.QemuImage, services.Preflight, services.Target, services.Time);
        ImageCheck images = new(services.Pools, services.ImageInspection, services.Target, services.Time);
        return new CheckRun(
            services.Settings, services.Host, services.Archiver, services.Target, services.Inventory, guests, images,
            services.Time);
    }

    private static SnapshotsRun Snapshots(HostServices services)
    {
        SnapshotSubjects subjects = new(
            services.Settings, services.Host, services.Inventory, services.Mapped, services.Access, services.Cluster,
            services.Pools);
        return new SnapshotsRun(
            subjects, services.Keys, services.Cluster, new ImageTrimmer(services.Cluster, services.Log),
            services.Journal.PendingDeletions, services.Target, services.Options.Wait, services.Log);
    }

    private static RestoreRecords Records(HostServices services) =>
        new(new RestoreJournal(services.StateDirectory), services.Time, services.Log);

    private static DiskContent Content(HostServices services) =>
        new(new ImageAssembler(services.Log), services.QemuImage);
}
