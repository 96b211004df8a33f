using System.Text.RegularExpressions;
using KvmBackup.Hypervisor;
using KvmBackup.Model;
using KvmBackup.Runs;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs;

public sealed class DryRunTests : IDisposable
{
    private readonly Web1Host host = new();
    private readonly TemporaryFolder target = new();

    public DryRunTests() => host.Shell
        .On("-f qcow2", Reply.Good(Info(host.Vda))).On("-f raw", Reply.Good(Info(host.Vdb)));

    public void Dispose()
    {
        host.Dispose();
        target.Dispose();
    }

    [Fact]
    public async Task Every_command_is_told_in_the_sacred_order_and_none_is_run()
    {
        JobReport report = await RunAsync(target.PathOf("my backups"));

        Assert.Equal((JobOutcome.Planned, "due"), (report.Outcome, report.Reason));
        string folder = target.PathOf("my backups", "web1", $"{Web1.Id}-full");
        Assert.Equal(
            [
                $"mkdir -m 0700 '{folder}.partial'", "guest-fsfreeze-freeze", "snapshot-create-as", "guest-fsfreeze-thaw",
                "blockcommit", "--pivot", "rm OVERLAY", "blockcommit", "--pivot", "rm OVERLAY",
                $"mv '{folder}.partial' '{folder}'",
            ],
            report.Commands.Select(Shorten));
        Assert.Empty(Directory.GetFileSystemEntries(target.PathOf("my backups")));
        Assert.Equal(0, host.Shell.Count("snapshot-create-as"));
    }

    [Fact]
    public async Task What_the_file_system_refuses_is_a_failure_in_the_report()
    {
        _ = File.CreateSymbolicLink(target.PathOf("circle"), target.PathOf("circle"));

        JobReport report = await RunAsync(target.PathOf("circle"));

        Assert.Equal(JobOutcome.Failed, report.Outcome);
        Assert.StartsWith("it would not be backed up: ", report.Reason, StringComparison.Ordinal);
    }

    private static string Shorten(string command) =>
        new[] { "guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "snapshot-create-as", "blockcommit", "--pivot" }
            .FirstOrDefault(command.Contains) ?? Regex.Replace(command, @"\S*/kvmbackup\.\S+", "OVERLAY");

    private static string Info(PlannedOverlay disk) =>
        $$"""[{"filename":"{{disk.BasePath}}","format":"{{disk.BaseFormat}}","virtual-size":1048576}]""";

    private async Task<JobReport> RunAsync(string targetPath)
    {
        if (!Path.Exists(targetPath) && !targetPath.EndsWith("circle", StringComparison.Ordinal))
        {
            _ = Directory.CreateDirectory(targetPath);
        }

        return await new DryRun(
            host.Preflight, host.Agent, host.Snapshot,
            host.Commit, new BackupDirectory(targetPath, host.Time), host.Time)
            .RunAsync(Web1.Identity, Web1.Settings, "due", CancellationToken.None);
    }
}
