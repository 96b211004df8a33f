using KvmBackup.Disks;
using KvmBackup.Journaling;
using KvmBackup.Runs.Restore;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Restore;

/// <summary>The removal of the files of restores that were killed.</summary>
public sealed class RestoreRecordsTests : IDisposable
{
    private const string Scratch = "kvmbackup-restore-abcdefgh.i12";
    private const string OtherBoot = "0d1cf2c5-0000-4000-8000-000000000000";
    private readonly TemporaryFolder folder = new();
    private readonly BackupDirectory target;

    public RestoreRecordsTests()
    {
        target = new BackupDirectory(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
    }

    private string To => folder.PathOf("to");

    private string Entries => folder.PathOf("state", "restores");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("salvage"), InlineData("salvage without a manifest"), InlineData("salvage an image")]
    [InlineData("assemble")]
    public async Task A_partial_file_of_a_killed_writer_is_recorded_and_removed(string writer)
    {
        Death death = new(this);

        _ = await Assert.ThrowsAnyAsync<KvmBackupException>(() => WriteAsync(writer, death));

        Assert.EndsWith(
            "a leftover of an interrupted restore of web1@20261120T020000Z", Assert.Single(death.Actions),
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(To, "*.kvmbackup-partial"));
        Assert.Empty(Directory.GetFiles(Entries));
    }

    [Theory]
    [InlineData("salvage"), InlineData("salvage without a manifest"), InlineData("assemble")]
    public async Task The_next_writer_removes_what_a_killed_one_left(string writer)
    {
        string left = Leave(folder.PathOf("elsewhere"));

        await WriteAsync(writer, null);

        Assert.False(File.Exists(left));
        Assert.Empty(Directory.GetFiles(Entries));
        Assert.NotEmpty(Directory.GetFiles(To));
    }

    [Fact]
    public async Task The_folder_in_which_a_killed_one_unpacked_a_disk_goes_with_its_file()
    {
        string elsewhere = folder.PathOf("elsewhere");
        _ = Leave(elsewhere);
        string scratch = Path.Combine(elsewhere, Scratch);
        _ = Directory.CreateDirectory(
            scratch, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(Path.Combine(scratch, ".lock"), string.Empty);
        File.WriteAllText(Path.Combine(scratch, "vda.raw.kvmbackup-partial"), "half");

        IReadOnlyList<string> actions = await RestoreSamples.Records(folder.DirectoryPath).RemoveLeftAsync();

        Assert.Equal(2, actions.Count(action => action.Contains(elsewhere, StringComparison.Ordinal)));
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
    }

    [Fact]
    public async Task Recover_finds_that_folder_too()
    {
        using Web1Host host = new();
        string elsewhere = host.PathOf("elsewhere");
        _ = Directory.CreateDirectory(elsewhere);
        OpenRestore record = host.Journal.Restores.Open("web1@20261120T020000Z");
        await RestoredFile.Create(Path.Combine(elsewhere, "a.qcow2"), 10, record).DisposeAsync();
        string entry = Assert.Single(Directory.GetFiles(host.PathOf("state", "restores")));
        Bury(entry);
        string scratch = Path.Combine(elsewhere, Scratch);
        _ = Directory.CreateDirectory(
            scratch, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(Path.Combine(scratch, ".lock"), string.Empty);

        _ = await host.RecoverAsync();

        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
        Assert.False(File.Exists(entry));
    }

    private async Task WriteAsync(string writer, IProgress<TransferProgress>? progress)
    {
        CompletedBackup backup = await RealBackups.PublishAsync(
            target, ManifestSamples.Id, forge: made => writer != "salvage an image" ? made : made with
            {
                Disks =
                [
                    made.Disks[0] with
                    {
                        Image = new ManifestImage(RbdImage.Parse("rbd/a"), "1", "s1", null, null, []),
                    },
                    made.Disks[1],
                ],
            });
        _ = Directory.CreateDirectory(To);
        if (writer == "assemble")
        {
            AssembleRun assemble = RestoreSamples.Assemble(
                target, new RecordedShell(folder.DirectoryPath), folder.DirectoryPath);
            _ = await assemble.RunAsync(
                new AssembleRequest(
                    RealBackups.Web1, null, new DiskTarget("vda"), Path.Combine(To, "a.raw"), AssembleRequest.Raw),
                progress, CancellationToken.None);
            return;
        }

        if (writer == "salvage without a manifest")
        {
            File.Delete(Path.Combine(backup.DirectoryPath, "manifest.json"));
        }

        DiskTarget? disk = writer == "salvage" ? null : new DiskTarget("vda");
        _ = await RestoreSamples.Salvage(target, folder.DirectoryPath).RunAsync(
            new RestoreRequest(RealBackups.Web1, "2026", To, null, disk, false, false, null, false),
            progress, CancellationToken.None);
    }

    /// <summary>A file with data, and its entry, of a restore that is dead.</summary>
    private string Leave(string place)
    {
        _ = Directory.CreateDirectory(place);
        string left = RestoredFile.Create(
            Path.Combine(place, "vda.raw"), 1000,
            new RestoreJournal(folder.PathOf("state")).Open("web1@20261119T020000Z")).WorkingPath;
        Bury(Assert.Single(Directory.GetFiles(Entries)));
        return left;
    }

    // Another boot: whatever process it was, it is dead.
    private static void Bury(string entry) => File.WriteAllText(
        entry, File.ReadAllText(entry).Replace(
            File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(), OtherBoot, StringComparison.Ordinal));

    /// <summary>In the middle of the write: from then on the writer is dead, and the next one cleans up.</summary>
    private sealed class Death(RestoreRecordsTests test) : IProgress<TransferProgress>
    {
        private int reports;

        public List<string> Actions { get; } = [];

        public void Report(TransferProgress value)
        {
            // Several threads read.
            if (Interlocked.Increment(ref reports) == 1)
            {
                Bury(Assert.Single(Directory.GetFiles(test.Entries)));
                Actions.AddRange(new RestoreJournal(test.folder.PathOf("state")).RemoveLeftovers());
            }
        }
    }
}
