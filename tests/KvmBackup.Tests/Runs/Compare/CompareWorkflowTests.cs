using KvmBackup.Configuration;
using KvmBackup.Runs;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Compare;
using KvmBackup.Runs.Guests;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Compare;

/// <summary>The comparison of a backup with a guest that is shut off: all modules, over recorded programs.</summary>
public sealed class CompareWorkflowTests : IDisposable
{
    private readonly Web1Host host = new();
    private readonly BackupDirectory target;

    public CompareWorkflowTests()
    {
        target = new BackupDirectory(host.PathOf("backups"), host.Time);
        target.EnsureUsable();

        // Both disks are raw files with what the backup holds of them.
        host.Shell.Now("shut-off/domstate");
        File.WriteAllBytes(host.Vda.BasePath, RealBackups.Vda.ToArray());
        File.WriteAllBytes(host.Vdb.BasePath, RealBackups.Vdb.ToArray());
    }

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task A_source_that_nobody_touched_is_the_same_and_the_archive_is_not_unpacked()
    {
        CompletedBackup backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        string archive = Path.Combine(backup.DirectoryPath, "web1.tar.gz");
        byte[] bytes = await File.ReadAllBytesAsync(archive);
        bytes.AsSpan(1000).Clear();
        await File.WriteAllBytesAsync(archive, bytes);

        CompareReport report = await CompareAsync(backup);

        Assert.Equal([ComparisonVerdict.Same, ComparisonVerdict.Same], report.Files.Select(file => file.Verdict));
        Assert.Equal((ExitCode.Done, Consistency.Offline), (report.ExitCode, report.Consistency));
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task Differences_are_reported_with_their_position_and_nothing_is_published()
    {
        CompletedBackup backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        string before = Entries();
        byte[] changed = RealBackups.Vda.ToArray();
        changed[110_000] ^= 1;
        await File.WriteAllBytesAsync(host.Vda.BasePath, changed);
        await File.WriteAllBytesAsync(host.Vdb.BasePath, [.. RealBackups.Vdb.ToArray(), .. new byte[512]]);

        CompareReport report = await CompareAsync(backup);

        Assert.Equal(
            (ComparisonVerdict.Different, 110_000, 4096),
            (report.Files[0].Verdict, report.Files[0].FirstDifferenceBytes, report.Files[0].DifferentBytes));
        Assert.Equal(
            (ComparisonVerdict.OtherSize, 40_000, 40_512),
            (report.Files[1].Verdict, report.Files[1].BackupBytes, report.Files[1].SourceBytes));
        Assert.Null(report.Files[1].FirstDifferenceBytes);
        Assert.Equal(ExitCode.DamageFound, report.ExitCode);
        Assert.Equal(before, Entries());
    }

    [Fact]
    public async Task Disks_that_one_side_does_not_have_are_reported_and_only_requested_disks_are_read()
    {
        CompletedBackup backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        ManifestDisk vda = backup.Manifest.Disks[0];
        ManifestDisk vdz = vda with { Target = new DiskTarget("vdz") };
        CompletedBackup other = backup with { Manifest = backup.Manifest with { Disks = [vda, vdz] } };

        CompareReport all = await CompareAsync(other);
        File.Delete(host.Vdb.BasePath);
        CompareReport one = await CompareAsync(backup, vda);

        Assert.Equal(
            [
                ("vda", ComparisonVerdict.Same), ("vdz", ComparisonVerdict.Missing),
                ("vdb", ComparisonVerdict.NotInBackup),
            ],
            all.Files.Select(file => (file.Target.Value, file.Verdict)));
        Assert.Equal(ExitCode.DamageFound, all.ExitCode);
        Assert.Equal([("vda", ComparisonVerdict.Same)], one.Files.Select(file => (file.Target.Value, file.Verdict)));
    }

    [Fact]
    public async Task Another_format_and_another_guest_are_reported()
    {
        CompletedBackup backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        ManifestDisk vda = backup.Manifest.Disks[0];
        Manifest manifest = backup.Manifest with
        {
            DomainUuid = Web1Host.Other,
            Disks = [vda with { Layers = [vda.Layers[0] with { Format = "qcow2" }] }, backup.Manifest.Disks[1]],
        };

        CompareReport report = await CompareAsync(backup with { Manifest = manifest });

        Assert.Equal(
            (ComparisonVerdict.OtherForm, "the backup holds qcow2, and the source is raw now"),
            (report.Files[0].Verdict, report.Files[0].Note));
        Assert.Contains($"its UUID is {Web1.Uuid}", Assert.Single(report.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_is_started_during_the_comparison_fails_it()
    {
        CompletedBackup backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        host.Shell.On("domstate", Reply.Of("shut-off/domstate"), Reply.Of("running/domstate"));

        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => CompareAsync(backup));

        Assert.Contains("not consistent", failure.Message, StringComparison.Ordinal);
        Assert.Empty(host.Journal.ListOpen());
    }

    private static string Info(string path) => $$"""[{"filename":"{{path}}","format":"raw","virtual-size":1048576}]""";

    private string Entries() =>
        string.Join('\n', Directory.GetFileSystemEntries(target.DirectoryPath, "*", SearchOption.AllDirectories));

    private async Task<CompareReport> CompareAsync(CompletedBackup backup, params ManifestDisk[] disks)
    {
        host.Shell.On("-f qcow2", Reply.Good(Info(host.Vda.BasePath)))
            .On("-f raw", Reply.Good(Info(host.Vdb.BasePath)));
        disks = disks.Length > 0 ? disks : [.. backup.Manifest.Disks];
        await using ComparedBackup opened = await ComparedBackup.OpenAsync(
            backup, disks, [], Logger.None, CancellationToken.None);
        FaultInjection gate = new(null, () => { }, Logger.None);
        DomainSettings settings = Web1.Settings with
        {
            Disks = DiskSelection.All with { Only = [.. disks.Select(disk => disk.Target)] },
        };
        GuestBackup guest = new(
            Web1.Identity, settings, host.Libvirt, host.Preflight,
            new DomainPinner(new GuestFreeze(host.Agent, Logger.None), host.Snapshot, host.Release, gate, Logger.None),
            target: null, host.Time, Logger.None);
        CompareWorkflow workflow = new(
            new CaptureScopes(host.Journal, host.Cluster, gate, Logger.None), host.Cluster,
            new ProcessPriorityScope(_ => throw new RunsException("no"), Logger.None), host.Time, Logger.None);
        return await workflow.RunAsync(
            guest, opened, target.ForDomain(RealBackups.Web1).List(), null, null, CancellationToken.None);
    }
}
