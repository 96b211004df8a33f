using System.Text.RegularExpressions;
using KvmBackup.Journaling;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Journaling;

public sealed class JournalTests : IDisposable
{
    private static readonly Guid Uuid = Guid.Parse("5b4f6f0e-6a2f-4a53-9f0e-0123456789ab");
    private readonly TemporaryFolder folder = new();
    private readonly Journal journal;

    public JournalTests() => journal = new Journal(folder.PathOf("state"), TimeProvider.System);

    private string FilePath => folder.PathOf("state", "journal", $"{Uuid}.json");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_host_without_a_journal_has_nothing_open()
    {
        Assert.Empty(journal.ListOpen());
        Assert.Empty(journal.ListDamaged());
    }

    [Fact]
    public async Task An_intent_is_on_disk_with_process_and_time()
    {
        OpenEntry open = await OpenAsync();
        JournalEntry entry = Assert.Single(new Journal(folder.PathOf("state"), TimeProvider.System).ListOpen());
        Assert.Equivalent(open.Current, entry, strict: true);
        Assert.Equal(Environment.ProcessId, entry.ProcessId);
        Assert.True(Journal.IsFromThisBoot(entry));
        Assert.False(Journal.IsFromThisBoot(entry with { BootId = "another" }));
        Assert.InRange(DateTimeOffset.UtcNow - entry.StartedAt, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Assert.Equal((JobStep.Intent, FreezeState.None), (entry.Step, entry.Freeze));
    }

    [Fact]
    public async Task Every_field_is_read_back_as_written()
    {
        OpenEntry open = await OpenAsync();
        foreach (JobStep step in Enum.GetValues<JobStep>())
        {
            foreach (FreezeState freeze in Enum.GetValues<FreezeState>())
            {
                foreach (PinState state in Enum.GetValues<PinState>())
                {
                    await open.RecordAsync(
                        entry => entry.WithPin(new DiskTarget("vdb"), state) with
                        {
                            Step = step,
                            Freeze = freeze,
                            IsGuestSaved = state == PinState.Releasing,
                        },
                        CancellationToken.None);
                    JournalEntry read = Assert.Single(journal.ListOpen());
                    Assert.Equivalent(open.Current, read, strict: true);
                    Assert.Equal(
                        (step, freeze, PinState.Planned, state),
                        (read.Step, read.Freeze, read.Pins[0].State, read.Pins[1].State));
                    Assert.Equal(ulong.MaxValue, read.Pins[1].Base.Inode);
                    Assert.Equal(new PoolVolume("p1", "b.raw") { Mode = "host" }, read.Pins[1].Volume);
                }
            }
        }
    }

    [Fact]
    public async Task A_domain_with_an_open_entry_is_refused_by_name()
    {
        OpenEntry open = await OpenAsync();
        await open.RecordAsync(entry => entry with { Step = JobStep.Pinned }, CancellationToken.None);
        JournalingException failure = await Assert.ThrowsAsync<JournalingException>(OpenAsync);
        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.Contains("'büro 1'", failure.Message, StringComparison.Ordinal);
        Assert.Contains("20261120T020000Z", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Pinned", failure.Message, StringComparison.Ordinal);
        Assert.Equal(JobStep.Pinned, Assert.Single(journal.ListOpen()).Step);
    }

    [Fact]
    public async Task A_closed_entry_is_deleted_and_cannot_be_changed()
    {
        OpenEntry open = await OpenAsync();
        await open.CloseAsync(CancellationToken.None);
        Assert.Empty(journal.ListOpen());
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(FilePath)!));
        _ = await Assert.ThrowsAsync<ObjectDisposedException>(
            () => open.RecordAsync(entry => entry, CancellationToken.None));
        Assert.False(File.Exists(FilePath));
        _ = await OpenAsync();
    }

    [Fact]
    public async Task The_entry_of_a_dead_run_can_be_resumed_and_closed()
    {
        OpenEntry left = await OpenAsync();
        OpenEntry resumed = journal.Resume(Assert.Single(journal.ListOpen()));
        await resumed.RecordAsync(
            entry => entry.WithPin(new DiskTarget("vda"), PinState.Released), CancellationToken.None);
        await resumed.CloseAsync(CancellationToken.None);
        Assert.Empty(journal.ListOpen());
        _ = Assert.Throws<JournalingException>(() => journal.Resume(left.Current));
    }

    [Fact]
    public async Task A_damaged_entry_is_listed_separately_and_blocks_its_domain()
    {
        _ = await OpenAsync();
        File.WriteAllText(FilePath, "{\"format_version\": 1");
        Assert.Empty(journal.ListOpen());
        Assert.Equal(FilePath, Assert.Single(journal.ListDamaged()).FilePath);
        JournalingException failure = await Assert.ThrowsAsync<JournalingException>(OpenAsync);
        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
    }

    [Theory]
    [InlineData("\"format_version\": 1", "\"format_version\": 2", "newer kvmbackup (format 2)")]
    [InlineData("\"step\": \"intent\"", "\"step\": \"Intent\"", "'Intent' is not one of")]
    [InlineData("\"overlay_path\": \"/images/vda.overlay\"", "\"overlay_path\": \"/images/vda.qcow2\"",
        "two different full paths")]
    [InlineData("\"overlay_path\": \"/images/vda.overlay\"", "\"overlay_path\": \"/images/../vda\"",
        "two different full paths")]
    [InlineData("\"overlay_path\": \"/images/vda.overlay\"", "\"overlay_path\": \"vda\"", "two different full paths")]
    [InlineData("\"target\": \"vdb\"", "\"target\": \"vda\"", "twice")]
    [InlineData("\"domain_uuid\": \"5b4f", "\"domain_uuid\": \"5b40", "it is of domain")]
    public async Task Content_that_this_program_would_not_write_is_damage(string from, string to, string reason)
    {
        _ = await OpenAsync();
        string text = await File.ReadAllTextAsync(FilePath);
        Assert.Contains(from, text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(FilePath, text.Replace(from, to, StringComparison.Ordinal));
        Assert.Contains(reason, Assert.Single(journal.ListDamaged()).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_entry_of_an_older_version_has_no_images_and_no_saved_guest()
    {
        _ = await OpenAsync();
        string text = await File.ReadAllTextAsync(FilePath);
        string older = Regex.Replace(text, @",\s*""(images|is_guest_saved)"":[^,}]*", string.Empty);
        Assert.DoesNotContain("\"images\"", older, StringComparison.Ordinal);
        Assert.DoesNotContain("is_guest_saved", older, StringComparison.Ordinal);
        await File.WriteAllTextAsync(FilePath, older);

        JournalEntry entry = Assert.Single(journal.ListOpen());

        Assert.Empty(entry.Images);
        Assert.False(entry.IsGuestSaved);
    }

    [Fact]
    public async Task Mutated_bytes_are_an_entry_or_damage()
    {
        _ = await OpenAsync();
        byte[] original = await File.ReadAllBytesAsync(FilePath);
        Random random = new(20261120);
        int valid = 0;
        for (int round = 0; round < 1_500; round++)
        {
            File.WriteAllBytes(FilePath, Mutation.Apply(original, random));
            int open = journal.ListOpen().Count;
            Assert.Equal(1, open + journal.ListDamaged().Count);
            valid += open;
        }

        Assert.InRange(valid, 15, 1_350);
    }

    [Fact]
    public async Task A_write_interrupted_by_a_crash_keeps_the_previous_entry()
    {
        OpenEntry open = await OpenAsync();
        await File.WriteAllTextAsync(FilePath + ".tmp", "{\"format_ver");
        Assert.Equivalent(open.Current, Assert.Single(journal.ListOpen()), strict: true);
        Assert.Empty(journal.ListDamaged());
        await open.RecordAsync(entry => entry with { Step = JobStep.Freezing }, CancellationToken.None);
        Assert.Equal(JobStep.Freezing, Assert.Single(journal.ListOpen()).Step);
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(FilePath)!));
    }

    [Fact]
    public async Task All_changes_from_several_threads_are_recorded()
    {
        OpenEntry open = await OpenAsync();
        DiskTarget[] targets = [new("vda"), new("vdb")];
        await Task.WhenAll(targets.Select(target => Task.Run(() =>
            open.RecordAsync(entry => entry.WithPin(target, PinState.Released), CancellationToken.None))));
        Assert.All(Assert.Single(journal.ListOpen()).Pins, pin => Assert.Equal(PinState.Released, pin.State));
    }

    [Fact]
    public async Task Only_the_owner_may_read_it()
    {
        _ = await OpenAsync();
        const UnixFileMode file = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(file, File.GetUnixFileMode(FilePath));
        Assert.Equal(file | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(FilePath)!));
    }

    [Fact]
    public async Task A_state_directory_that_cannot_be_written_prevents_any_change()
    {
        Journal nowhere = new("/proc/sys/kernel", TimeProvider.System);
        JournalingException failure = await Assert.ThrowsAsync<JournalingException>(
            () => nowhere.OpenAsync(CreateIntent(), CancellationToken.None));
        Assert.Contains("no guest is changed", failure.Message, StringComparison.Ordinal);
    }

    private Task<OpenEntry> OpenAsync() => journal.OpenAsync(CreateIntent(), CancellationToken.None);

    private static JournalEntry CreateIntent() => JournalEntry.CreateIntent(
        Uuid,
        new DomainName("büro 1"),
        ManifestSamples.Id,
        "/backup/web1/20261120T020000Z-full.partial",
        [
            new JournalPin(
                new DiskTarget("vda"), "/images/vda.qcow2", "qcow2", new FileIdentity(64768, 131),
                "/images/vda.overlay", null,
                PinState.Planned),
            new JournalPin(
                new DiskTarget("vdb"), "/images/b.raw", "raw", new FileIdentity(64768, ulong.MaxValue),
                "/images/b.overlay",
                new FileIdentity(1, 2), PinState.Planned)
            {
                Volume = new PoolVolume("p1", "b.raw") { Mode = "host" },
            },
        ]);
}
