using KvmBackup.Archiving;
using KvmBackup.Ceph;
using KvmBackup.Cli;
using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Guarding;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Planning;
using KvmBackup.Reporting;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Backup;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Compare;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Images;
using KvmBackup.Runs.Inspect;
using KvmBackup.Runs.Recover;
using KvmBackup.Runs.Restore;
using KvmBackup.Runs.Retention;
using KvmBackup.Shell;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup;

/// <summary>Constructs the rooms, and turns what came of them into an exit code.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        // First, and without the console: with very few files not even the program's own libraries can be opened.
        DescriptorLimit.Raise();
        return arguments is [WatchCommand.Name, _, _] ? Watch(arguments)
            : DescriptorLimit.IsEnough() ? Run(arguments)
            : (int)ExitCode.Usage;
    }

    private static int Watch(string[] arguments)
    {
        ILogger log = RecoveryLog.Open(OpenStreams(), TimeProvider.System);
        return (int)WatchCommand.RunAsync(arguments, Assemble, log).GetAwaiter().GetResult();
    }

    private static int Run(string[] arguments) =>
        (int)new CommandLine(Assemble, OpenStreams(), TimeProvider.System).RunAsync(arguments).GetAwaiter().GetResult();

    private static StandardStreams OpenStreams()
    {
        StandardStreams streams = StandardStreams.Open();
        AppDomain.CurrentDomain.UnhandledException +=
            (_, failure) => Complain(streams, (Exception)failure.ExceptionObject);
        return streams;
    }

    /// <summary>Without a core dump; the watcher puts the guest back, as after a kill.</summary>
    private static void Complain(StandardStreams streams, Exception failure)
    {
        foreach (string line in CommandLine.Describe(failure, isVerbose: false).Split('\n'))
        {
            streams.Error.WriteLine($"kvmbackup: {PlainText.Line(line)}");
        }

        Environment.Exit((int)ExitCode.Failed);
    }

    private static CommandFactories Assemble(GlobalOptions options, ILogger log)
    {
        TimeProvider time = TimeProvider.System;
        Lazy<HostSettings> settings = new(() => ConfigurationReader.Read(options.ConfigurationPath, HostSettings.ShortHostName));
        Lazy<BackupDirectory> target = new(() => new BackupDirectory(settings.Value.BackupDirectory, time)
        {
            Guard = new TargetGuard(
                settings.Value.StateDirectory, (facts, known) => TargetPlanner.Decide(settings.Value.RequireMount, facts, known)),
        });
        Lazy<BackupDirectory> source = new(() =>
            options.BackupDirectory is { } path ? new BackupDirectory(path, time) : target.Value);
        Lazy<Journal> journal = new(() => new Journal(settings.Value.StateDirectory, time));
        ProcessRunner shell = new(log, time);
        Archiver archiver = new(shell);
        BackupVerifier verifier = new(log);
        QemuImage images = new(shell);
        Virsh virsh = new(shell, options.ConnectUri);
        LibvirtHost host = new(virsh);
        GuestAgent agent = new(virsh, host, time);
        OverlaySnapshot snapshot = new(virsh, host, time);
        OverlayCommit commit = new(virsh, host, new AppArmorProfile(shell, AppArmorProfile.DefaultDirectory, log), time, log);
        DomainDefiner definer = new(virsh);
        EncryptedOverlays encrypted = new(host, images);
        OverlayRelease release = new(
            host, commit, new SavedRelease(host, definer, encrypted, log), definer, images, encrypted, log);
        RbdClient cluster = new(shell);
        Lazy<ClusterKeys> keys = new(() => new ClusterKeys(Path.Combine(
            options.BackupDirectory is null ? settings.Value.StateDirectory : HostSettings.DefaultStateDirectory, "keys")));
        Lazy<ClusterAccess> access = new(() => new ClusterAccess(host, keys.Value));
        MappedImages mapped = new();
        Lazy<Preflight> preflight = new(() => new Preflight(host, images, mapped, new ImagePreflight(access.Value, cluster)));
        FaultInjection gate = new(Environment.GetEnvironmentVariable("KVMBACKUP_HOLD_AFTER"), CurrentProcess.Stop, log);
        DomainPinner pinner = new(new GuestFreeze(agent, log), snapshot, release, gate, log);

        RecoverRun Recover() => new(
            host, new DomainRecovery(
                host, agent, snapshot, release, images, new ImageRecovery(access.Value, keys.Value, cluster, log), journal.Value, log),
            journal.Value,
            settings.Value.StateDirectory, ScratchFolder.UsualParents, time, log);
        RetentionRunner retainer = new(log);
        Lazy<Merger> merger = new(() => new Merger(archiver, verifier, retainer, gate, target.Value, time, log));
        ProcessPriorityScope priority = new(ProcessPriority.Lower, log);
        BackupWorkflow Workflow() => new(
            archiver, cluster, new ImageTrimmer(cluster, log), gate, priority, verifier, retainer, merger.Value, target.Value, journal.Value,
            settings.Value.HostName, time, log);
        ImageInspection Look() => new(new ImagePreflight(access.Value, cluster), time);
        ImagesRun Images() => new(
            Workflow(), new ImageDryRun(Look(), target.Value, time), Look(), new RbdPool(shell), target.Value, gate, time, log);
        WatcherCommand Watch() => new(CurrentProcess.ProgramPath, [.. CurrentProcess.ProgramPrefix, .. WatchCommand.Arguments(options)]);
        BackupRun Backup() => new(
            settings.Value, host, Recover(),
            new DiskInventory(host, mapped, log), Workflow(),
            (domain, wanted) => new GuestBackup(domain, wanted, host, preflight.Value, pinner, target.Value, time, log),
            Images(),
            new DryRun(preflight.Value, agent, snapshot, commit, target.Value, time),
            Watch(),
            new HostShutdown(log), keys.Value, time, log);
        CompareRun Compare() => new(
            settings.Value, source.Value, host, Recover(),
            new CompareWorkflow(new CaptureScope(journal.Value, cluster, gate, log), cluster, priority, time, log),
            (domain, wanted) => new GuestBackup(domain, wanted, host, preflight.Value, pinner, target: null, time, log),
            (image, wanted) => new ImageBackup(image, wanted, Look(), target: null, gate, time),
            Watch(), new HostShutdown(log), keys.Value, time, log);
        DiskContent content = new(new ImageAssembler(log), images);
        QemuConversion conversion = new(shell);
        RestoreRun Restore()
        {
            RbdImageStore store = new(cluster);
            CephSettings CephOf(Manifest manifest) => options.BackupDirectory is null
                ? settings.Value.FindSettings(manifest.Domain, manifest.FindImages())?.Ceph ?? CephSettings.None : CephSettings.None;
            return new RestoreRun(
                source.Value, new RestorePreflight(host, new ImageDestinations(access.Value, cluster, store, CephOf, log)),
                new RestoreWriter(
                    images, content, new ImageRestorer(cluster, store, content, conversion, time, log),
                    new RestoreJournal(options.BackupDirectory is null ? settings.Value.StateDirectory : HostSettings.DefaultStateDirectory),
                    log),
                definer, keys.Value, time, log);
        }

        return new CommandFactories(
            () => source.Value.DirectoryPath,
            Backup,
            () => new ListRun(source.Value),
            () => new VerifyRun(source.Value, verifier, time, log),
            Restore,
            () => new SalvageRun(source.Value, new ImageSalvage(log), time, log),
            () => new AssembleRun(source.Value, content, conversion, time, log),
            () => new CatRun(source.Value, log),
            Compare,
            () => new PruneRun(settings.Value, target.Value, merger.Value, options.Wait, time, log),
            () => new CheckRun(settings.Value, host, agent, images, archiver, target.Value, preflight.Value,
                new DiskInventory(host, mapped, log), new ImageCheck(new RbdPool(shell), Look(), target.Value, time), time),
            Recover,
            () => new SnapshotsRun(
                new SnapshotSubjects(
                    settings.Value, host, new DiskInventory(host, mapped, log), mapped, access.Value, cluster, new RbdPool(shell)),
                keys.Value, cluster, new ImageTrimmer(cluster, log), journal.Value.PendingDeletions, target.Value, options.Wait, log));
    }
}
