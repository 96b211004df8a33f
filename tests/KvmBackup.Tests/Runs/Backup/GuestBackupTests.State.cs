using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Backup;

/// <summary>What a backup records of the state that its guest is in.</summary>
public sealed partial class GuestBackupTests
{
    [Fact]
    public async Task A_guest_whose_memory_is_saved_is_only_crash_consistent_and_that_is_reported()
    {
        shell.Now("shut-off/domstate").On("managedsave-dumpxml", Reply.Good("<domain/>"));

        JobReport report = await RunAsync();

        Assert.Equal(Consistency.Crash, report.Backup!.Consistency);
        Assert.Contains("managedsave", report.Backup.ConsistencyReason, StringComparison.Ordinal);
        Assert.Contains(
            report.Warnings, warning => warning.Contains("its memory is saved on this host", StringComparison.Ordinal));
        Assert.Contains(
            report.Backup.Warnings, warning => warning.Contains("is not in this backup", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whether_the_guest_starts_with_its_host_is_in_the_manifest()
    {
        shell.Now("shut-off/domstate").On("--autostart", Reply.Good($"{Web1.Uuid}\n"));

        Assert.True((await RunAsync()).Backup!.Autostart);
        Assert.False((await RunAsync()).Backup!.Autostart);
    }
}
