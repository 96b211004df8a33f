using KvmBackup.Persisting;
using KvmBackup.Planning;
using KvmBackup.Runs.Inspect;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Storage;

public sealed class TargetGuardTests : IDisposable
{
    private static readonly string[] Mounted =
    [
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
        "90 22 0:52 / /mnt/old\\040share rw,relatime shared:2 - nfs4 nas:/export/old rw",
        "91 22 0:53 / /mnt/backup rw,relatime shared:3 - nfs4 nas:/export/backup rw",
        "92 22 0:54 / /mnt/backup-b rw,relatime - ext4 /dev/sdb1 rw",
        "93 91 0:55 / /mnt/backup/late rw - xfs /dev/sdc1 rw",
        "94 93 0:56 / /mnt/backup/late rw - xfs /dev/sdd1 rw",
    ];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("/mnt/backup/cloud1", "/mnt/backup", "nas:/export/backup")]
    [InlineData("/mnt/backup", "/mnt/backup", "nas:/export/backup")]
    [InlineData("/mnt/backups", "/", "/dev/sda1")]
    [InlineData("/mnt/old share/x", "/mnt/old share", "nas:/export/old")]
    [InlineData("/mnt/backup/late/x", "/mnt/backup/late", "/dev/sdd1")]
    public void The_file_system_of_a_path_is_the_last_one_mounted_above_it(string path, string point, string source)
    {
        TargetFacts facts = MountTable.Read(path, null, Mounted, []);

        Assert.Equal((point, source), (facts.MountPoint, facts.Source));
    }

    [Theory]
    [InlineData("/mnt/backup/cloud1", null)]
    [InlineData("/mnt/away/cloud1", "/mnt/away")]
    [InlineData("/mnt/off/cloud1", null)]
    public void A_file_system_of_fstab_that_is_not_mounted_is_detected(string path, string? declared) => Assert.Equal(
        declared,
        MountTable.Read(
            path, null, Mounted,
            ["# /mnt/x", "/dev/sda1 / ext4 defaults 0 1", "nas:/export/backup\t/mnt/backup nfs4 defaults 0 0",
                "nas:/a /mnt/away/ nfs4 noauto 0 0",
                "#nas:/b /mnt/off nfs4 defaults 0 0", "/dev/sda2 none swap sw 0 0", ""]).DeclaredMountPoint);

    [Fact]
    public void A_target_without_its_marker_is_refused_and_not_written()
    {
        BackupDirectory target = Open(MountRequirement.Auto);
        Assert.Contains("first use", Assert.Single(target.EnsureUsable()), StringComparison.Ordinal);
        Assert.Equal([".kvmbackup-target"], Directory.GetFiles(target.DirectoryPath).Select(Path.GetFileName));
        Assert.Empty(Open(MountRequirement.Auto).EnsureUsable());

        // The folder below a share that is no longer mounted.
        Directory.Delete(target.DirectoryPath, recursive: true);
        _ = Directory.CreateDirectory(target.DirectoryPath);

        StorageException failure = Assert.Throws<StorageException>(() => Open(MountRequirement.Auto).EnsureUsable());
        Assert.Contains("is not the one that this host used before", failure.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(target.DirectoryPath));
        Assert.Empty(Open(MountRequirement.None).EnsureUsable());
    }

    [Fact]
    public void A_marker_of_another_host_is_kept()
    {
        BackupDirectory target = Open(MountRequirement.Auto);
        _ = Directory.CreateDirectory(target.DirectoryPath);
        string marker = Path.Combine(target.DirectoryPath, TargetGuard.MarkerName);
        File.WriteAllText(marker, "abc\n");

        _ = target.EnsureUsable();

        Assert.Equal("abc\n", File.ReadAllText(marker));
        Assert.Empty(Open(MountRequirement.Auto).EnsureUsable());
    }

    [Fact]
    public void A_damaged_record_of_the_target_is_not_a_first_use()
    {
        _ = Open(MountRequirement.Auto).EnsureUsable();
        File.WriteAllText(folder.PathOf("state", "target.json"), "{");

        StorageException failure = Assert.Throws<StorageException>(() => Open(MountRequirement.Auto).EnsureUsable());

        Assert.Contains("target.json' is damaged", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_snapshots_command_refuses_a_target_that_is_not_mounted()
    {
        BackupDirectory target = Open(MountRequirement.Auto);
        _ = target.EnsureUsable();
        File.Delete(Path.Combine(target.DirectoryPath, TargetGuard.MarkerName));

        // The guard comes first: nothing else is used.
        SnapshotsRun run = new(null!, null!, null!, null!, null!, target, TimeSpan.Zero, Serilog.Core.Logger.None);
        StorageException failure = await Assert.ThrowsAsync<StorageException>(
            () => run.RunAsync(SnapshotAction.Trim, null, isDryRun: false, CancellationToken.None));

        Assert.StartsWith("Nothing was removed: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_check_writes_nothing()
    {
        BackupDirectory target = Open(MountRequirement.Auto);
        Assert.Contains("is created by the first run", target.CheckWritable(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(target.DirectoryPath));
        _ = Directory.CreateDirectory(target.DirectoryPath);
        DateTime before = Directory.GetLastWriteTimeUtc(target.DirectoryPath);

        Assert.Contains("the next run writes the marker file", target.CheckWritable(), StringComparison.Ordinal);

        Assert.Equal(before, Directory.GetLastWriteTimeUtc(target.DirectoryPath));
        Assert.Empty(Directory.GetFileSystemEntries(target.DirectoryPath));
        Assert.False(Directory.Exists(folder.PathOf("state")));
    }

    [Fact]
    public void A_check_of_a_directory_that_cannot_be_written_fails() => Assert.Contains(
        "cannot be written",
        Assert.Throws<StorageException>(
            () => new BackupDirectory("/proc/sys/kernel", TimeProvider.System).CheckWritable()).Message,
        StringComparison.Ordinal);

    private BackupDirectory Open(MountRequirement requirement) => new(folder.PathOf("backup"), TimeProvider.System)
    {
        // Independent of the /etc/fstab of this host.
        Guard = new TargetGuard(folder.PathOf("state"), (facts, known) => TargetPlanner.Decide(
            requirement, facts with { DeclaredMountPoint = null }, known)),
    };
}
