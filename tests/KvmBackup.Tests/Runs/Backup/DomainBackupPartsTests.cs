using KvmBackup.Ceph;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Runs;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Backup;

/// <summary>The parts of a backup that need a host's answers and a directory, and no guest.</summary>
public sealed class DomainBackupPartsTests : IDisposable
{
    private readonly TemporaryFolder images = new();
    private readonly TemporaryFolder target = new();
    private readonly AcceleratedTime time = new();
    private readonly RecordedShell shell;

    public DomainBackupPartsTests()
    {
        shell = new RecordedShell(images.DirectoryPath).Now(Web1.Facts)
            .On("-f qcow2", Reply.Good(Info("web1.qcow2", "qcow2")))
            .On("-f raw", Reply.Good(Info("web1-data.img", "raw")));
        File.WriteAllBytes(images.PathOf("web1.qcow2"), new byte[100_000]);
        File.WriteAllBytes(images.PathOf("web1-data.img"), new byte[50_000]);
    }

    public void Dispose()
    {
        images.Dispose();
        target.Dispose();
    }

    [Fact]
    public async Task A_running_guest_gets_an_overlay_beside_each_disk()
    {
        DomainJob job = await PrepareAsync();

        Assert.Equal([Web1.Vda, Web1.Vdb], job.Overlays.Select(overlay => overlay.Target));
        Assert.All(
            job.Overlays, overlay => Assert.Equal(images.DirectoryPath, Path.GetDirectoryName(overlay.OverlayPath)));
        Assert.All(job.Overlays, overlay => Assert.True(OverlayName.IsOurs(overlay.OverlayPath)));
        Assert.Equal(150_000, job.DataBytes);
    }

    [Fact]
    public async Task A_guest_that_is_shut_off_gets_none()
    {
        shell.Now("shut-off/domstate");

        Assert.Empty((await PrepareAsync()).Overlays);
    }

    [Theory]
    [InlineData("shut-off/domstate", true)]
    [InlineData("running/domstate", false)]
    public async Task An_nvram_file_that_is_not_there_yet_is_left_out_of_a_guest_that_is_shut_off(
        string state, bool isLeftOut)
    {
        string xml = Recording.Read("running/dumpxml-security").Output
            .Replace(Recording.ImagesPath, images.DirectoryPath, StringComparison.Ordinal)
            .Replace("<os>", "<os><nvram>/absent/web1_VARS.fd</nvram>", StringComparison.Ordinal);
        shell.Now(state).On("dumpxml --security-info --domain", Reply.Good(xml));

        DomainJob job = await PrepareAsync();

        Assert.Equal(isLeftOut, job.Files.All(file => file.MemberName != "nvram.fd"));
        Assert.Equal(
            isLeftOut,
            job.Warnings.Any(text => text.Contains("NVRAM file /absent/web1_VARS.fd", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_kernel_that_is_not_there_is_not_left_out()
    {
        string xml = Recording.Read("running/dumpxml-security").Output
            .Replace(Recording.ImagesPath, images.DirectoryPath, StringComparison.Ordinal)
            .Replace("<os>", "<os><kernel>/absent/vmlinuz</kernel>", StringComparison.Ordinal);
        shell.Now("shut-off/domstate").On("dumpxml --security-info --domain", Reply.Good(xml));

        Assert.Contains((await PrepareAsync()).Files, file => file.SourcePath == "/absent/vmlinuz");
    }

    [Fact]
    public async Task A_target_beside_the_images_is_refused()
    {
        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => PrepareAsync(images.PathOf("backup")));

        Assert.Contains(
            "a loss of the disks would also destroy the backups", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_without_free_space_is_refused()
    {
        // This file system has none, and nothing is created in it before the refusal.
        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => PrepareAsync("/proc"));

        Assert.StartsWith(
            "/proc has 0 B left and this backup needs about 64.", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_with_one_disk_on_an_overlay_of_ours_requires_manual_action()
    {
        // A release that worked for one disk and not for the other, the night before.
        string xml = Recording.Read("half-released/dumpxml").Output;
        shell.On("dumpxml --security-info --domain", Reply.Good(xml));

        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => PrepareAsync());

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.Contains(
            "disk vdb is still on an overlay of an interrupted backup", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_overlay_directory_that_is_missing_is_named()
    {
        RunsException failure = await Assert.ThrowsAsync<RunsException>(
            () => PrepareAsync(overlayDirectory: "/absent/dir"));

        Assert.Contains("/absent/dir, does not exist", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("running/domstate", "true", true)]
    [InlineData("running/domstate", "false", false)]
    [InlineData("shut-off/domstate", "true", false)]
    public async Task A_running_guest_on_an_encrypted_backing_file_is_refused_by_its_name(
        string state, string isEncrypted, bool isRefused)
    {
        File.WriteAllBytes(images.PathOf("secret.qcow2"), new byte[1000]);
        string chain = Info("web1.qcow2", "qcow2").TrimEnd(']')
            + $$""", {"filename":"{{images.PathOf("secret.qcow2")}}","format":"qcow2","virtual-size":1048576,"""
            + $"\"encrypted\":{isEncrypted}}}]";
        _ = await PrepareAsync();
        shell.Now(state).On("-f qcow2", Reply.Good(chain)).On("-f raw", Reply.Good(Info("web1-data.img", "raw")));

        if (!isRefused)
        {
            Assert.Equal(2, (await PrepareAsync()).Disks[0].Layers.Count);
            return;
        }

        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => PrepareAsync());
        Assert.StartsWith(
            $"disk vda: its backing file {images.PathOf("secret.qcow2")} is encrypted.", failure.Message,
            StringComparison.Ordinal);
        Assert.Contains("disks: {exclude: [vda]}", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nothing", true)]
    [InlineData("started", false)]
    [InlineData("written", false)]
    [InlineData("grown", false)]
    public async Task A_shut_off_guest_must_stay_so_while_it_is_read(string event_, bool isGood)
    {
        shell.Now("shut-off/domstate");
        OfflineGuard guard = new(await PrepareAsync(), new LibvirtHost(new Virsh(shell, null)));
        switch (event_)
        {
            case "started":
                shell.Now("running/domstate");
                break;
            case "written":
                File.SetLastWriteTimeUtc(images.PathOf("web1-data.img"), DateTime.UnixEpoch);
                break;
            case "grown":
                File.AppendAllText(images.PathOf("web1.qcow2"), "more");
                break;
        }

        Task check = guard.EnsureUnchangedAsync(CancellationToken.None);

        if (isGood)
        {
            await check;
        }
        else
        {
            RunsException failure = await Assert.ThrowsAsync<RunsException>(() => check);
            Assert.Contains("not consistent", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_job_is_reported_with_its_worst_outcome()
    {
        Assert.Equal(JobOutcome.Succeeded, Record(_ => { }).Outcome);
        Assert.Equal("due", Record(_ => { }).Reason);
        JobReport failed = Record(record => record.Fail(new RunsException("no room")));
        Assert.Equal((JobOutcome.Failed, "NOT BACKED UP: no room"), (failed.Outcome, failed.Reason));
        JobReport late = Record(record =>
        {
            record.Succeed(ManifestSamples.Create());
            record.Fail(new RunsException("not removed"));
        });
        Assert.Equal((JobOutcome.Failed, "backed up, but then: not removed"), (late.Outcome, late.Reason));
        Assert.Equal(
            JobOutcome.NeedsManualAction,
            Record(record => record.Fail(new RunsException("frozen", ExitCode.ManualActionRequired))).Outcome);
        JobReport problem = Record(record =>
        {
            record.Succeed(ManifestSamples.Create());
            record.RequireManualAction(["overlay left"]);
        });
        Assert.Equal((JobOutcome.NeedsManualAction, "overlay left"), (problem.Outcome, problem.Reason));
        Assert.NotNull(problem.Backup);
    }

    [Fact]
    public void A_monitor_adds_up_the_files_and_never_exceeds_its_total()
    {
        List<TransferProgress> reports = [];
        TransferMonitor monitor = new(new DomainName("web1"), 100, new Collector(reports));

        monitor.Begin("a").Report(60);
        IProgress<long> second = monitor.Begin("b");
        second.Report(30);
        second.Report(70);

        Assert.Equal([60L, 90, 130], reports.Select(one => one.DoneBytes));
        Assert.Equal([100L, 100, 130], reports.Select(one => one.TotalBytes));
    }

    private JobReport Record(Action<JobReportBuilder> happen)
    {
        JobReportBuilder record = new(new DomainName("web1"), "due", time);
        happen(record);
        return record.ToReport();
    }

    private string Info(string name, string format) =>
        $$"""[{"filename":"{{images.PathOf(name)}}","format":"{{format}}","virtual-size":1048576}]""";

    private Task<DomainJob> PrepareAsync(string? targetPath = null, string? overlayDirectory = null)
    {
        BackupDirectory directory = new(targetPath ?? target.DirectoryPath, time);
        _ = Directory.CreateDirectory(directory.DirectoryPath);
        LibvirtHost host = new(new Virsh(shell, null));
        ImagePreflight cluster = new(
            new ClusterAccess(host, new ClusterKeys(images.PathOf("keys"))), new RbdClient(shell));
        return new Preflight(host, new QemuImage(shell), new MappedImages(), cluster).PrepareAsync(
            Web1.Identity, Web1.Settings with { OverlayDirectory = overlayDirectory },
            directory.ForDomain(Web1.Identity.Name).List(), directory, Web1.Id, CancellationToken.None);
    }

    private sealed class Collector(List<TransferProgress> reports) : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value) => reports.Add(value);
    }
}
