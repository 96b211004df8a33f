using KvmBackup.Archiving;
using KvmBackup.Ceph;
using KvmBackup.Cli;
using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Guarding;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Images;
using KvmBackup.Runs.Recover;
using KvmBackup.Runs.Retention;
using KvmBackup.Shell;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Composition;

/// <summary>
/// What several commands are made of. What depends on the configuration is made on demand, so that a backup can be
/// restored on a host that has none.
/// </summary>
internal sealed class HostServices
{
    private readonly Lazy<HostSettings> settings;
    private readonly Lazy<BackupDirectory> target;
    private readonly Lazy<BackupDirectory> source;
    private readonly Lazy<Journal> journal;
    private readonly Lazy<ClusterKeys> keys;
    private readonly Lazy<ClusterAccess> access;

    public HostServices(GlobalOptions options, TimeProvider time, ILogger log)
    {
        Options = options;
        Time = time;
        Log = log;
        settings = new(() => ConfigurationReader.Read(options.ConfigurationPath, HostSettings.ShortHostName));
        target = new(() => new BackupDirectory(Settings.BackupDirectory, time)
        {
            Guard = new TargetGuard(
                Settings.StateDirectory, (facts, known) => TargetPlanner.Decide(Settings.RequireMount, facts, known)),
        });
        source = new(() => options.BackupDirectory is { } path ? new BackupDirectory(path, time) : Target);
        journal = new(() => new Journal(Settings.StateDirectory, time));
        Runner = new ProcessRunner(log, time);
        Archiver = new Archiver(Runner);
        Verifier = new BackupVerifier(log);
        QemuImage = new QemuImage(Runner);
        Virsh virsh = new(Runner, options.ConnectUri);
        Host = new LibvirtHost(virsh);
        Agent = new GuestAgent(virsh, Host, time);
        Snapshot = new OverlaySnapshot(virsh, Host, time);
        AppArmorProfile profile = new(Runner, AppArmorProfile.DefaultDirectory, log);
        Commit = new OverlayCommit(virsh, Host, profile, time, log);
        Definer = new DomainDefiner(virsh);
        EncryptedOverlays encrypted = new(Host, QemuImage);
        Release = new OverlayRelease(
            Host, Commit, new SavedRelease(Host, Definer, encrypted, log), Definer, QemuImage, encrypted, log);
        Cluster = new RbdClient(Runner);
        Pools = new RbdPool(Runner);
        keys = new(() => new ClusterKeys(Path.Combine(StateDirectory, "keys")));
        access = new(() => new ClusterAccess(Host, Keys));
        Inventory = new DomainInventory(Host, Mapped, log);
        Faults = new FaultInjection(
            Environment.GetEnvironmentVariable("KVMBACKUP_HOLD_AFTER"), CurrentProcess.Stop, log);
        Priority = new ProcessPriorityScope(ProcessPriority.Lower, log);
        Retention = new RetentionRunner(log);
    }

    public GlobalOptions Options { get; }

    public TimeProvider Time { get; }

    public ILogger Log { get; }

    public HostSettings Settings => settings.Value;

    /// <summary>Of the configuration, or the default when a backup directory is given in its place.</summary>
    public string StateDirectory =>
        Options.BackupDirectory is null ? Settings.StateDirectory : HostSettings.DefaultStateDirectory;

    /// <summary>Where backups are written.</summary>
    public BackupDirectory Target => target.Value;

    /// <summary>Where backups are read: the option <c>--backupdir</c>, else the same.</summary>
    public BackupDirectory Source => source.Value;

    public Journal Journal => journal.Value;

    public ProcessRunner Runner { get; }

    public Archiver Archiver { get; }

    public BackupVerifier Verifier { get; }

    public QemuImage QemuImage { get; }

    public LibvirtHost Host { get; }

    public GuestAgent Agent { get; }

    public OverlaySnapshot Snapshot { get; }

    public OverlayCommit Commit { get; }

    public DomainDefiner Definer { get; }

    public OverlayRelease Release { get; }

    public RbdClient Cluster { get; }

    public RbdPool Pools { get; }

    public MappedImages Mapped { get; } = new();

    public ClusterKeys Keys => keys.Value;

    public ClusterAccess Access => access.Value;

    public DomainInventory Inventory { get; }

    public FaultInjection Faults { get; }

    public ProcessPriorityScope Priority { get; }

    public RetentionRunner Retention { get; }

    public ImagePreflight ImagePreflight => new(Access, Cluster);

    public ImageInspection ImageInspection => new(ImagePreflight, Time);

    public Preflight Preflight => new(Host, QemuImage, Mapped, ImagePreflight);

    public Merger Merger => new(Archiver, Verifier, Retention, Faults, Target, Time, Log);

    public CaptureScopes Captures => new(Journal, Cluster, Faults, Log);

    /// <summary>A domain as the subject of a backup; of a comparison when nothing is written to a target.</summary>
    public GuestBackup SubjectOf(DomainIdentity domain, DomainSettings wanted, BackupDirectory? writtenTo)
    {
        DomainPinner pinner = new(new GuestFreeze(Agent, Log), Snapshot, Release, Faults, Log);
        return new GuestBackup(domain, wanted, Host, Preflight, pinner, writtenTo, Time, Log);
    }

    /// <summary>The command <c>recover</c>, and the begin of each run.</summary>
    public RecoverRun Recover()
    {
        ImageRecovery images = new(Access, Keys, Cluster, Log);
        DomainRecovery domains = new(Host, Agent, Snapshot, Release, QemuImage, images, Journal, Log);
        return new RecoverRun(
            Host, domains, Journal, Settings.StateDirectory, ScratchFolder.UsualParents, Time, Log);
    }

    /// <summary>Begins runs that change guests.</summary>
    public ExclusiveRuns ExclusiveRuns()
    {
        WatcherCommand watcher = new(
            CurrentProcess.ProgramPath, [.. CurrentProcess.ProgramPrefix, .. WatchCommand.Arguments(Options)]);
        return new ExclusiveRuns(
            Settings.StateDirectory, Recover(), watcher, new HostShutdown(Log), Keys, Time, Log);
    }
}
