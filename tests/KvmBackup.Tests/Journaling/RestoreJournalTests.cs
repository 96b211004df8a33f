using KvmBackup.Disks;
using KvmBackup.Journaling;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Journaling;

/// <summary>A killed restore: exactly its own files are removed, and no files that replaced them.</summary>
public sealed class RestoreJournalTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly RestoreJournal journal;

    public RestoreJournalTests() => journal = new RestoreJournal(folder.PathOf("state"));

    private string Entry => Assert.Single(Directory.GetFiles(folder.PathOf("state", "restores")));

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task The_files_of_a_dead_restore_are_removed_and_those_of_a_live_one_are_kept(bool isDead)
    {
        OpenRestore record = journal.Open("web1@20261120T020000Z");
        RestoredFile file = RestoredFile.Create(folder.PathOf("vda.raw"), 1000, record);
        Die(isDead);

        IReadOnlyList<string> actions = journal.RemoveLeftovers();

        Assert.Equal(isDead, !File.Exists(file.WorkingPath));
        Assert.Equal(isDead ? 1 : 0, actions.Count);
        Assert.Equal(isDead ? 0 : 1, Directory.GetFiles(folder.PathOf("state", "restores")).Length);
        await file.DisposeAsync();
    }

    [Fact]
    public void A_foreign_file_at_the_recorded_path_is_kept()
    {
        OpenRestore record = journal.Open("web1@20261120T020000Z");
        RestoredFile file = RestoredFile.Create(folder.PathOf("vda.raw"), 1000, record);
        File.Move(file.WorkingPath, folder.PathOf("aside"));
        File.WriteAllText(file.WorkingPath, "foreign");
        Die(true);

        Assert.Empty(journal.RemoveLeftovers());

        Assert.Equal("foreign", File.ReadAllText(file.WorkingPath));
        Assert.True(File.Exists(folder.PathOf("aside")));
    }

    [Theory]
    [InlineData("", true), InlineData("foreign", false)]
    public void A_file_without_a_recorded_identity_is_removed_only_while_it_is_empty(string content, bool goes)
    {
        string path = folder.PathOf("vda.raw.kvmbackup-partial");
        journal.Open("web1@20261120T020000Z").Begin(path);
        File.WriteAllText(path, content);
        Die(true);

        _ = journal.RemoveLeftovers();

        Assert.Equal(goes, !File.Exists(path));
    }

    [Fact]
    public async Task A_successful_restore_leaves_no_entry()
    {
        using (OpenRestore record = journal.Open("web1@20261120T020000Z"))
        {
            await using RestoredFile file = RestoredFile.Create(folder.PathOf("vda.raw"), 1000, record);
            Assert.Contains("vda.raw.kvmbackup-partial", File.ReadAllText(Entry), StringComparison.Ordinal);
            file.Commit(replace: false);
        }

        Assert.Empty(Directory.GetFiles(folder.PathOf("state", "restores")));
        Assert.True(File.Exists(folder.PathOf("vda.raw")));
    }

    // Another boot: the process is dead.
    private void Die(bool isDead)
    {
        if (isDead)
        {
            string boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            File.WriteAllText(Entry, File.ReadAllText(Entry).Replace(boot, "0d1cf2c5-0000-4000-8000-000000000000",
                StringComparison.Ordinal));
        }
    }
}
