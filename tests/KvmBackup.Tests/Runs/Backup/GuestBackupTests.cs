using KvmBackup.Archiving;
using KvmBackup.Ceph;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Backup;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Retention;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Backup;

/// <summary>The complete backup sequence: all modules, over recorded programs.</summary>
public sealed partial class GuestBackupTests : IDisposable
{
    private const string Freeze = "guest-fsfreeze-freeze";
    private const string Thaw = "guest-fsfreeze-thaw";
    private const string Snapshot = "snapshot-create-as";
    private readonly TemporaryFolder images = new();
    private readonly TemporaryFolder target = new();
    private readonly AcceleratedTime time = new();
    private readonly RecordedShell shell;
    private readonly Journal journal;

    public GuestBackupTests()
    {
        journal = new Journal(target.PathOf("state"), time);
        shell = new RecordedShell(images.DirectoryPath)
            .Now([.. Web1.Facts, "agent/thawed", "agent/osinfo", "agent/freeze", "agent/thaw"]);
        foreach (string name in new[] { "web1.qcow2", "web1-data.img", "vmlinuz", "initrd" })
        {
            File.WriteAllText(images.PathOf(name), $"content of {name}");
        }
    }

    public void Dispose()
    {
        images.Dispose();
        target.Dispose();
    }

    [Fact]
    public async Task A_good_backup_is_published_and_leaves_nothing_in_the_guest()
    {
        HaveSnapshot();
        HaveCommits();

        JobReport report = await RunAsync();

        Assert.Equal((JobOutcome.Succeeded, "due"), (report.Outcome, report.Reason));
        Assert.Equal(Consistency.Filesystem, report.Backup!.Consistency);
        Assert.Equal(
            [
                Freeze, Snapshot, Thaw,
                "--path vda --base", "--path vda --pivot", "--path vdb --base", "--path vdb --pivot",
            ],
            shell.Order(
                Freeze, Snapshot, Thaw,
                "--path vda --base", "--path vda --pivot", "--path vdb --base", "--path vdb --pivot"));
        Assert.Equal(1, shell.Count("guest-get-osinfo"));
        Assert.Single(Backups());
        Assert.Empty(Overlays());
        Assert.Empty(journal.ListOpen());
    }

    [Fact]
    public async Task A_thaw_that_is_not_confirmed_keeps_its_journal_entry_and_requires_manual_action()
    {
        HaveSnapshot();
        HaveCommits();
        shell.On(
            "guest-fsfreeze-status",
            [Reply.Of("agent/thawed"), .. Enumerable.Repeat("agent/frozen", 5).Select(Reply.Of)]);

        JobReport report = await RunAsync();

        Assert.Equal(JobOutcome.NeedsManualAction, report.Outcome);
        Assert.Contains("THE GUEST MAY STILL BE FROZEN", report.Reason, StringComparison.Ordinal);
        Assert.Empty(Backups());
        Assert.Empty(Overlays());
        Assert.Equal(FreezeState.Freezing, Assert.Single(journal.ListOpen()).Freeze);
    }

    [Fact]
    public async Task A_snapshot_that_libvirt_may_still_make_keeps_its_journal_entry()
    {
        shell.On(Snapshot, Reply.Killed).On("domjobinfo", [
            Reply.Of("running/domjobinfo"),
            .. Enumerable.Repeat(0, 1000).Select(_ => Reply.Good("Job type:         Unbounded"))]);

        JobReport report = await RunAsync();

        Assert.Equal(JobOutcome.NeedsManualAction, report.Outcome);
        Assert.Empty(Backups());
        Assert.Equal([Freeze, Snapshot, Thaw], shell.Order(Freeze, Snapshot, Thaw));
        Assert.All(Assert.Single(journal.ListOpen()).Pins, pin => Assert.Equal(PinState.Planned, pin.State));
    }

    [Fact]
    public async Task A_disk_that_stays_on_its_overlay_keeps_its_journal_entry_and_the_old_backups()
    {
        _ = await A_first_backup_is_made();
        HaveSnapshot();
        shell
            .On(
                "blockcommit",
                [.. Enumerable.Repeat("committing/blockcommit-again", 3).Select(Reply.Of), Begun("vdb-ready/dumpxml")])
            .On("--path vdb --pivot", Pivoted("vdb-released"));

        JobReport report = await RunAsync();

        Assert.Equal(JobOutcome.NeedsManualAction, report.Outcome);
        Assert.NotNull(report.Backup);
        Assert.Equal(2, Backups().Count);
        Assert.Single(Overlays());
        Assert.Equal(
            [PinState.Releasing, PinState.Released], Assert.Single(journal.ListOpen()).Pins.Select(pin => pin.State));
    }

    [Fact]
    public async Task A_guest_that_a_failed_write_has_paused_is_reported_with_the_command_to_resume_it()
    {
        HaveSnapshot(() => shell.Now("paused/domstate-reason-io-error"));
        HaveCommits();

        JobReport report = await RunAsync();

        Assert.Equal(JobOutcome.NeedsManualAction, report.Outcome);
        Assert.Contains($"virsh resume {Web1.Uuid}", report.Reason, StringComparison.Ordinal);
        Assert.Single(Backups());
        Assert.Empty(journal.ListOpen());
    }

    [Fact]
    public async Task A_disk_that_cannot_be_read_fails_the_backup_and_every_disk_goes_back()
    {
        HaveSnapshot(() => File.Delete(images.PathOf("web1-data.img")));
        HaveCommits();

        JobReport report = await RunAsync();

        Assert.Equal(JobOutcome.Failed, report.Outcome);
        Assert.Contains("web1-data.img", report.Reason, StringComparison.Ordinal);
        Assert.Empty(Backups());
        Assert.Empty(Overlays());
        Assert.Empty(journal.ListOpen());
        Assert.Empty(Directory.GetDirectories(target.PathOf("backup", "web1")));
    }

    [Theory]
    [InlineData("snapshot-list", 0)]
    [InlineData("guest-get-osinfo", 0)]
    [InlineData(Freeze, 1)]
    [InlineData(Snapshot, 1)]
    public async Task An_unexpected_exception_is_a_failure_of_the_domain_with_its_type_and_location(
        string call, int entries)
    {
        shell.On(call, Reply.Thrown(new InvalidOperationException("the element has another type")));

        JobReport report = await RunAsync();

        Assert.Equal(JobOutcome.Failed, report.Outcome);
        Assert.Contains("unexpected InvalidOperationException in KvmBackup.", report.Reason, StringComparison.Ordinal);
        Assert.Contains(": the element has another type", report.Reason, StringComparison.Ordinal);
        Assert.Empty(Backups());
        Assert.Equal(shell.Count(Freeze) > 0, shell.Count(Thaw) > 0);

        // The result of the freeze or the snapshot is unknown then: recovery inspects it.
        Assert.Equal(entries, journal.ListOpen().Count);
    }

    [Fact]
    public async Task An_unexpected_exception_in_the_release_of_one_disk_does_not_prevent_the_release_of_the_other()
    {
        HaveSnapshot();
        shell.On("--path vda --base", Reply.Thrown(new FormatException("no number")));
        shell.On("--path vdb --base", Begun("vdb-ready/dumpxml")).On("--path vdb --pivot", Pivoted("vdb-released"));

        JobReport report = await RunAsync();

        Assert.Equal(JobOutcome.NeedsManualAction, report.Outcome);
        Assert.Contains("web1: vda: unexpected FormatException in KvmBackup.", report.Reason, StringComparison.Ordinal);
        Assert.Equal(
            [PinState.Releasing, PinState.Released], Assert.Single(journal.ListOpen()).Pins.Select(pin => pin.State));
    }

    [Fact]
    public async Task Retention_follows_a_success_only()
    {
        _ = await A_first_backup_is_made();
        shell.On(Snapshot, Reply.Of("pinned/snapshot-again"));
        Assert.Equal(JobOutcome.Failed, (await RunAsync()).Outcome);
        Assert.Single(Backups());
        HaveSnapshot();
        HaveCommits();

        JobReport report = await RunAsync();

        Assert.Equal(JobOutcome.Succeeded, report.Outcome);
        Assert.Equal(report.Backup!.Id, Assert.Single(Backups()).Id);
        Assert.Single(report.Removed);
    }

    [Fact]
    public async Task A_backup_that_is_later_than_the_clock_is_reported_and_pushes_none_out()
    {
        DomainDirectory web1 = Target().ForDomain(Web1.Identity.Name);
        _ = Directory.CreateDirectory(target.PathOf("backup"));
        using (DomainLock held = await web1.LockAsync(TimeSpan.Zero, CancellationToken.None))
        {
            _ = await BackupSamples.PublishAsync(web1, held, id: new BackupId(DateTimeOffset.MaxValue));
        }

        JobReport report = await A_first_backup_is_made();

        Assert.Contains("later: 99991231T235959Z", report.Warnings[0], StringComparison.Ordinal);
        Assert.Equal(2, Backups().Count);
    }

    [Fact]
    public async Task An_earlier_backup_that_is_cut_short_is_reported_by_the_next()
    {
        _ = await A_first_backup_is_made();
        CompletedBackup first = Assert.Single(Backups());
        File.WriteAllText(Path.Combine(first.DirectoryPath, first.Manifest.Archive.FileName), "a");
        HaveSnapshot();
        HaveCommits();

        JobReport report = await RunAsync();

        Assert.Equal(JobOutcome.Succeeded, report.Outcome);
        Assert.Contains($"{first.Id}-full is damaged", Assert.Single(report.Damages), StringComparison.Ordinal);
        Assert.Equal(report.Backup!.Id, Assert.Single(Backups()).Id);
    }

    [Fact]
    public async Task Backups_are_not_written_through_a_link_into_the_folder_of_the_images()
    {
        _ = Directory.CreateDirectory(target.PathOf("backup"));
        _ = Directory.CreateSymbolicLink(target.PathOf("backup", "web1"), images.DirectoryPath);

        JobReport report = await RunAsync();

        Assert.Equal(JobOutcome.Failed, report.Outcome);
        Assert.Contains("link", report.Reason, StringComparison.Ordinal);
        Assert.Equal(0, shell.Count(Freeze));
    }

    private async Task<JobReport> A_first_backup_is_made()
    {
        HaveSnapshot();
        HaveCommits();
        JobReport report = await RunAsync();
        Assert.Equal((JobOutcome.Succeeded, "due"), (report.Outcome, report.Reason));
        return report;
    }

    private void HaveSnapshot(Action? change = null) => shell.On(Snapshot, Reply.Of("running/snapshot").Then(() =>
    {
        // The names hold a random part: the recorded XML is made to show what was asked for.
        foreach (string one in shell.Calls[^1].Arguments.Where(one => one.Contains(",file=", StringComparison.Ordinal)))
        {
            string path = one[(one.IndexOf(",file=", StringComparison.Ordinal) + 6)..];
            File.WriteAllText(path, "overlay");
            PlannedOverlay recorded = one.StartsWith("vda", StringComparison.Ordinal)
                ? Web1.VdaOverlay : Web1.VdbOverlay;
            shell.Call(Path.GetFileName(recorded.OverlayPath), Path.GetFileName(path));
        }

        shell.Now("pinned/dumpxml", "pinned/dumpxml-inactive", "released/vda-unused", "released/vdb-unused");
        change?.Invoke();
    }));

    private void HaveCommits() => shell.On("blockcommit", Begun("ready/dumpxml"), Begun("half-ready/dumpxml"))
        .On("--path vda --pivot", Pivoted("half-released")).On("--path vdb --pivot", Pivoted("released"));

    private Reply Begun(string state) => Reply.Good("Active Block Commit started").Then(() => shell.Now(state));

    [Fact]
    public async Task A_guest_whose_backups_another_host_writes_is_reported_as_locked_and_left_alone()
    {
        _ = Directory.CreateDirectory(target.PathOf("backup", "web1"));
        File.WriteAllText(target.PathOf("backup", "web1", ".lease"), "0d1cf2c5 abc\nprocess 7 on cloud2\n");
        Assert.Equal((true, 0), ((await RunAsync()).IsLocked, shell.Count(Freeze)));
    }

    private Reply Pivoted(string state) =>
        Reply.Good(string.Empty).Then(() => shell.Now($"{state}/dumpxml", $"{state}/dumpxml-inactive"));

    private IReadOnlyList<CompletedBackup> Backups() => Target().ForDomain(Web1.Identity.Name).List().Backups;

    private string[] Overlays() => Directory.GetFiles(images.DirectoryPath, "kvmbackup.*");

    private BackupDirectory Target() => new(target.PathOf("backup"), time);

    private string Info(string name, string format) =>
        $$"""[{"filename":"{{images.PathOf(name)}}","format":"{{format}}","virtual-size":1048576}]""";

    private async Task<JobReport> RunAsync()
    {
        // A backup's name is its second.
        time.Pass(TimeSpan.FromMinutes(1));
        _ = Directory.CreateDirectory(target.PathOf("backup"));
        shell.Now("running/dumpxml", "running/dumpxml-inactive")
            .On("-f qcow2", Reply.Good(Info("web1.qcow2", "qcow2")))
            .On("-f raw", Reply.Good(Info("web1-data.img", "raw")));
        Virsh virsh = new(shell, null);
        LibvirtHost host = new(virsh);
        QemuImage qemu = new(shell);
        RbdClient cluster = new(shell);
        FaultInjection gate = new(null, () => { }, Logger.None);
        DomainPinner pinner = new(
            new GuestFreeze(new GuestAgent(virsh, host, time), Logger.None), new OverlaySnapshot(virsh, host, time),
            Releases.Over(shell, time, target.PathOf("apparmor")).Release, gate, Logger.None);
        Archiver archiver = new(shell);
        (BackupVerifier verifier, RetentionRunner retainer) = (new(Logger.None), new(Logger.None));
        ProcessPriorityScope priority = new(_ => throw new RunsException("no"), Logger.None);
        BackupWriter writer = new(archiver, cluster, verifier, gate, priority, "cloud1", time, Logger.None);
        Merger merger = new(archiver, verifier, retainer, gate, Target(), time, Logger.None);
        BackupCleanup cleanup = new(new ImageTrimmer(cluster, Logger.None), retainer, merger, gate, priority);
        CaptureScopes captures = new(journal, cluster, gate, Logger.None);
        BackupWorkflow workflow = new(archiver, captures, writer, cleanup, Target(), gate, time, Logger.None);
        ImagePreflight imagePreflight = new(new ClusterAccess(host, new ClusterKeys(target.PathOf("keys"))), cluster);
        GuestBackup guest = new(
            Web1.Identity, Web1.Settings, host, new Preflight(host, qemu, new MappedImages(), imagePreflight),
            pinner, Target(), time, Logger.None);
        return await workflow.RunAsync(guest, "due", TimeSpan.Zero, null, null, CancellationToken.None);
    }
}
