using KvmBackup.Ceph;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Recover;
using Serilog.Core;

namespace KvmBackup.Tests.Support;

/// <summary>The recorded host with real modules: images and journal are in a temporary folder.</summary>
public sealed class Web1Host : IDisposable
{
    public static readonly Guid Other = new("11111111-2222-3333-4444-555555555555");
    private readonly TemporaryFolder folder = new();

    public Web1Host()
    {
        Vda = Here(Web1.VdaOverlay);
        Vdb = Here(Web1.VdbOverlay);
        File.WriteAllText(Vda.BasePath, "base of vda");
        File.WriteAllText(Vdb.BasePath, "base of vdb");
        Shell = new RecordedShell(folder.DirectoryPath).Now(
            [.. Web1.Facts, "running/dumpxml", "running/dumpxml-inactive", "released/vda-unused", "released/vdb-unused",
                "host/list-uuid"]);
        Virsh = new Virsh(Shell, null);
        Libvirt = new LibvirtHost(Virsh);
        Agent = new GuestAgent(Virsh, Libvirt, Time);
        Images = new QemuImage(Shell);
        Snapshot = new OverlaySnapshot(Virsh, Libvirt, Time);
        (Commit, Release) = Releases.Over(Shell, Time, PathOf("apparmor"));
        Journal = new Journal(PathOf("state"), Time);
        Keys = new ClusterKeys(PathOf("state", "keys"));
        Access = new ClusterAccess(Libvirt, Keys);
        Cluster = new RbdClient(Shell);
        Preflight = new Preflight(Libvirt, Images, new MappedImages(), new ImagePreflight(Access, Cluster));
    }

    public PlannedOverlay Vda { get; }

    public PlannedOverlay Vdb { get; }

    public AcceleratedTime Time { get; } = new();

    public RecordedShell Shell { get; }

    public Virsh Virsh { get; }

    public LibvirtHost Libvirt { get; }

    public GuestAgent Agent { get; }

    public QemuImage Images { get; }

    public OverlaySnapshot Snapshot { get; }

    public OverlayCommit Commit { get; }

    public OverlayRelease Release { get; }

    public Journal Journal { get; }

    public ClusterKeys Keys { get; }

    public ClusterAccess Access { get; }

    public RbdClient Cluster { get; }

    public Preflight Preflight { get; }

    public string PathOf(params string[] parts) => folder.PathOf(parts);

    public Task<DomainFacts> DescribeAsync() => Libvirt.DescribeAsync(Web1.Identity, CancellationToken.None);

    /// <summary>Puts both disks on their overlays.</summary>
    public void BePinned()
    {
        File.WriteAllText(Vda.OverlayPath, "overlay of vda");
        File.WriteAllText(Vdb.OverlayPath, "overlay of vdb");
        Be("pinned");
    }

    /// <summary>Sets both definitions as recorded in this state.</summary>
    public void Be(string state) => Shell.Now($"{state}/dumpxml", $"{state}/dumpxml-inactive");

    /// <summary>Both disks can be released, vda first.</summary>
    public void HaveWorkingCommits() => Shell
        .On("--path vda --base", Begun("ready/dumpxml")).On("--path vdb --base", Begun("half-ready/dumpxml"))
        .On("--path vda --pivot", Pivoted("half-released")).On("--path vdb --pivot", Pivoted("released"));

    /// <summary>vda cannot be committed, vdb can.</summary>
    public void HaveStubbornVda() => Shell
        .On("blockcommit",
            [.. Enumerable.Repeat("committing/blockcommit-again", 3).Select(Reply.Of), Begun("vdb-ready/dumpxml")])
        .On("--path vdb --pivot", Pivoted("vdb-released"));

    /// <summary>A block job that results in a recorded live definition.</summary>
    public Reply Begun(string recording) => Reply.Good("Active Block Commit started").Then(() => Shell.Now(recording));

    public Reply Pivoted(string state) => Reply.Good(string.Empty).Then(() => Be(state));

    /// <summary>The intent of a backup of both disks, in the journal.</summary>
    public Task<OpenEntry> OpenEntryAsync() => Journal.OpenAsync(
        JournalEntry.CreateIntent(
            Web1.Uuid, Web1.Identity.Name, Web1.Id, PathOf("backup"), [Planned(Vda), Planned(Vdb)]),
        CancellationToken.None);

    /// <summary>A pin of both disks before its snapshot.</summary>
    public async Task<(PinnedDomain Pin, OpenEntry Entry)> BeginPinAsync(QuiesceMode quiesce)
    {
        DomainJob job = new(Web1.Settings with { Quiesce = quiesce }, await DescribeAsync(), [], [], [Vda, Vdb], 0, []);
        OpenEntry entry = await OpenEntryAsync();
        DomainPinner pinner = new(
            new GuestFreeze(Agent, Logger.None), Snapshot, Release, new FaultInjection(null, () => { }, Logger.None),
            Logger.None);
        return (pinner.Begin(job, entry, new RbdCapture(job, Cluster, Journal.PendingDeletions, Logger.None)), entry);
    }

    /// <summary>The journal of a dead run, and the state of the disks.</summary>
    public async Task LeaveAsync(PinState state, string disks, FreezeState freeze = FreezeState.Thawed)
    {
        OpenEntry entry = await OpenEntryAsync();
        BePinned();
        Dictionary<DiskTarget, FileIdentity> seen = new[] { Vda, Vdb }
            .ToDictionary(overlay => overlay.Target, overlay => LocalFile.Identify(overlay.OverlayPath));
        await entry.RecordAsync(
            now => (state == PinState.Planned ? now : now.WithOverlays(seen).WithPin(Web1.Vda, state).WithPin(
                Web1.Vdb, state))
                with
            { Freeze = freeze },
            CancellationToken.None);
        Be(disks);
        Time.Pass(TimeSpan.FromSeconds(1));
    }

    /// <summary>A second open domain of the same run, which does not exist in libvirt.</summary>
    public async Task LeaveOtherAsync(FreezeState freeze = FreezeState.Freezing)
    {
        OpenEntry entry = await Journal.OpenAsync(
            JournalEntry.CreateIntent(
                Other, new DomainName("other"), Web1.Id, PathOf("backup"), []), CancellationToken.None);
        await entry.RecordAsync(now => now with { Freeze = freeze }, CancellationToken.None);
        _ = Shell.On($"domname --domain {Other}", Reply.Bad($"error: failed to get domain '{Other}'"));
        Time.Pass(TimeSpan.FromSeconds(1));
    }

    public Task<RecoveryReport> RecoverAsync(Serilog.ILogger? log = null) => new RecoverRun(
        Libvirt, new DomainRecovery(
            Libvirt, Agent, Snapshot, Release, Images, new ImageRecovery(Access, Keys, Cluster, Logger.None), Journal,
            Logger.None),
        Journal, PathOf("state"), [PathOf("scratch")], Time, log ?? Logger.None).RunAsync(
            TimeSpan.Zero, CancellationToken.None);

    public void Dispose() => folder.Dispose();

    private static JournalPin Planned(PlannedOverlay overlay) => new(
        overlay.Target, overlay.BasePath, overlay.BaseFormat, LocalFile.Identify(overlay.BasePath), overlay.OverlayPath,
        null,
        PinState.Planned);

    private PlannedOverlay Here(PlannedOverlay overlay) => overlay with
    {
        BasePath = PathOf(Path.GetFileName(overlay.BasePath)),
        OverlayPath = PathOf(Path.GetFileName(overlay.OverlayPath)),
    };
}
