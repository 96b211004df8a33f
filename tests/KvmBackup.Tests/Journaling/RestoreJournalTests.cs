using System.Text.Json.Nodes;
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

    [Fact]
    public async Task A_process_ID_that_is_in_use_again_is_another_process()
    {
        OpenRestore record = journal.Open("web1@20261120T020000Z");
        await using RestoredFile file = RestoredFile.Create(folder.PathOf("vda.raw"), 1000, record);
        JsonNode entry = JsonNode.Parse(File.ReadAllText(Entry))!;
        entry["process_start"] = entry["process_start"]!.GetValue<long>() - 1;
        File.WriteAllText(Entry, entry.ToJsonString());

        _ = Assert.Single(journal.RemoveLeftovers());

        Assert.False(File.Exists(file.WorkingPath));
    }

    [Theory]
    [InlineData("vda.raw"), InlineData("below/../vda.raw.kvmbackup-partial")]
    public void An_entry_that_names_another_file_removes_nothing(string name)
    {
        string path = folder.PathOf("vda.raw.kvmbackup-partial");
        journal.Open("web1@20261120T020000Z").Begin(path);
        _ = Directory.CreateDirectory(folder.PathOf("below"));
        string other = folder.DirectoryPath + "/" + name;
        File.WriteAllText(other, string.Empty);
        File.WriteAllText(Entry, File.ReadAllText(Entry).Replace(path, other, StringComparison.Ordinal));
        Die(true);

        Assert.Empty(journal.RemoveLeftovers());

        Assert.True(File.Exists(other));
    }

    [Fact]
    public void An_existing_file_is_kept_even_when_it_is_empty()
    {
        string path = folder.PathOf("vda.raw.kvmbackup-partial");
        File.WriteAllText(path, string.Empty);
        _ = Assert.Throws<DisksException>(
            () => RestoredFile.Create(folder.PathOf("vda.raw"), 1000, journal.Open("web1@20261120T020000Z")));
        Die(true);

        Assert.Empty(journal.RemoveLeftovers());

        Assert.True(File.Exists(path));
    }

    [Fact]
    public void A_file_that_could_not_be_removed_stays_on_record()
    {
        using (OpenRestore record = journal.Open("web1@20261120T020000Z"))
        {
            _ = RestoredFile.Create(folder.PathOf("vda.raw"), 1000, record);
        }

        Die(true);
        _ = Assert.Single(journal.RemoveLeftovers());
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
