using System.Text.RegularExpressions;
using KvmBackup.Configuration;
using KvmBackup.Runs.Backup;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Backup;

public sealed class DryRunTests : IDisposable
{
    private readonly Web1Host host = new();
    private readonly TemporaryFolder target = new();

    public void Dispose()
    {
        host.Dispose();
        target.Dispose();
    }

    [Fact]
    public async Task Every_command_is_listed_in_the_backup_sequence_and_none_is_run()
    {
        JobReport report = await RunAsync(target.PathOf("my backups"));

        Assert.Equal((JobOutcome.Planned, "due"), (report.Outcome, report.Reason));
        string folder = target.PathOf("my backups", "web1", $"{Web1.Id}-full");
        Assert.Equal(
            [
                $"mkdir -m 0700 '{folder}.partial'",
                "guest-fsfreeze-freeze", "snapshot-create-as", "guest-fsfreeze-thaw",
                "blockcommit", "--pivot", "rm OVERLAY", "blockcommit", "--pivot", "rm OVERLAY",
                $"mv '{folder}.partial' '{folder}'",
            ],
            report.Commands.Select(Shorten));
        Assert.Empty(Directory.GetFileSystemEntries(target.PathOf("my backups")));
        Assert.Equal(0, host.Shell.Count("snapshot-create-as"));
    }

    [Fact]
    public async Task A_thin_disk_does_not_demand_free_space_for_its_virtual_size()
    {
        JobReport report = await RunAsync(target.PathOf("backups"), sizeBytes: 1L << 60);

        Assert.Equal((JobOutcome.Planned, "due"), (report.Outcome, report.Reason));
    }

    [Fact]
    public async Task A_lack_of_free_space_is_reported_with_the_key_that_changes_the_demand()
    {
        JobReport report = await RunAsync(
            target.PathOf("backups"), Web1.Settings with { OverlayHeadroom = 1.0 }, sizeBytes: 1L << 60);

        Assert.Equal(JobOutcome.Failed, report.Outcome);
        Assert.Contains("(overlay_headroom is 100 % of the disks' size)", report.Reason, StringComparison.Ordinal);
        Assert.Contains("set overlay_headroom to a sufficient share", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_of_the_file_system_is_a_failure_in_the_report()
    {
        _ = File.CreateSymbolicLink(target.PathOf("circle"), target.PathOf("circle"));

        JobReport report = await RunAsync(target.PathOf("circle"));

        Assert.Equal(JobOutcome.Failed, report.Outcome);
        Assert.StartsWith("it would not be backed up: ", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unexpected_exception_is_a_failure_in_the_report()
    {
        host.Shell.On("snapshot-list", Reply.Thrown(new InvalidOperationException("no such element")));

        JobReport report = await RunAsync(target.PathOf("backups"));

        Assert.Equal(JobOutcome.Failed, report.Outcome);
        Assert.Contains("unexpected InvalidOperationException in KvmBackup.", report.Reason, StringComparison.Ordinal);
    }

    private static string Shorten(string command) =>
        new[] { "guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "snapshot-create-as", "blockcommit", "--pivot" }
            .FirstOrDefault(command.Contains) ?? Regex.Replace(command, @"\S*/kvmbackup\.\S+", "OVERLAY");

    private static string Info(PlannedOverlay disk, long sizeBytes) =>
        $$"""[{"filename":"{{disk.BasePath}}","format":"{{disk.BaseFormat}}","virtual-size":{{sizeBytes}}}]""";

    private async Task<JobReport> RunAsync(string targetPath, DomainSettings? settings = null, long sizeBytes = 1 << 20)
    {
        host.Shell.On("-f qcow2", Reply.Good(Info(host.Vda, sizeBytes)))
            .On("-f raw", Reply.Good(Info(host.Vdb, sizeBytes)));
        if (!Path.Exists(targetPath) && !targetPath.EndsWith("circle", StringComparison.Ordinal))
        {
            _ = Directory.CreateDirectory(targetPath);
        }

        return await new DryRun(
            host.Preflight, host.Agent, host.Snapshot,
            host.Commit, new BackupDirectory(targetPath, host.Time), host.Time)
            .RunAsync(Web1.Identity, settings ?? Web1.Settings, "due", CancellationToken.None);
    }
}
