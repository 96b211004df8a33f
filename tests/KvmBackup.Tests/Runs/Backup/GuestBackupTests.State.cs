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

    [Fact]
    public async Task Definitions_to_which_the_guest_refers_are_in_the_backup_and_a_missing_one_is_a_warning()
    {
        string xml = Recording.Read("running/dumpxml-security-inactive").Output
            .Replace(Recording.ImagesPath, images.DirectoryPath, StringComparison.Ordinal)
            .Replace("/var/lib/libvirt/boot", images.DirectoryPath, StringComparison.Ordinal)
            .Replace(
                "<interface type='user'>",
                "<interface type='bridge'><source bridge='br0'/></interface>"
                    + "<interface type='network'><source network='gone'/></interface>"
                    + "<interface type='network'><source network='lan'/></interface><interface type='user'>",
                StringComparison.Ordinal);
        shell.Now("shut-off/domstate").On("--security-info --inactive", Reply.Good(xml))
            .On("net-dumpxml --inactive --network gone", Reply.Bad("error: Network not found"))
            .On("net-dumpxml --inactive --network lan", Reply.Good("<network><name>lan</name></network>"));

        JobReport report = await RunAsync();

        Assert.Equal(JobOutcome.Succeeded, report.Outcome);
        Manifest manifest = report.Backup!;
        Assert.Equal(
            [new SavedDefinition(RequirementKind.Network, "lan", "network-1.xml")], manifest.Definitions);
        Assert.Equal([new HostResource(RequirementKind.Bridge, "br0")], manifest.HostResources);
        Assert.NotNull(manifest.FindMember("network-1.xml"));
        Assert.Contains(
            manifest.Warnings,
            text => text.StartsWith("the definition of the network gone", StringComparison.Ordinal));
    }
}
