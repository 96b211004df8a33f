using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Storage;

public sealed class PendingBackupTests : IAsyncLifetime
{
    private readonly DomainFixture fixture = new();

    public Task InitializeAsync() => fixture.InitializeAsync();

    public Task DisposeAsync() => fixture.DisposeAsync();

    [Fact]
    public async Task Nothing_is_a_backup_before_it_is_published()
    {
        await using PendingBackup pending = await BeginAsync();
        Manifest manifest = BackupSamples.Fill(pending);
        Assert.Empty(fixture.Domain.List().Backups);
        UnusableEntry partial = Assert.Single(fixture.Domain.List().Unusable);
        Assert.Equal(("20261120T020000Z-full.partial", UnusableCause.Leftover), (partial.Name, partial.Cause));

        CompletedBackup completed = await pending.PublishAsync(manifest, CancellationToken.None);

        Assert.Equal(fixture.PathOf("20261120T020000Z-full"), completed.DirectoryPath);
        CompletedBackup listed = Assert.Single(fixture.Domain.List().Backups);
        Assert.Equal(completed.Id, listed.Id);
        Assert.Empty(fixture.Domain.List().Unusable);
        Assert.Empty(BackupIntegrity.VerifyFiles(listed));
    }

    [Fact]
    public async Task An_unpublished_backup_is_removed_on_disposal()
    {
        PendingBackup pending = await BeginAsync();
        FileStream open = pending.CreateFile("web1.tar.gz");
        open.WriteByte(1);
        await pending.DisposeAsync();
        Assert.False(Directory.Exists(pending.DirectoryPath));
        Assert.False(open.CanWrite);
    }

    [Fact]
    public async Task A_published_backup_outlives_its_scope()
    {
        CompletedBackup completed = await fixture.PublishAsync(20);
        Assert.True(File.Exists(Path.Combine(completed.DirectoryPath, "manifest.json")));
    }

    [Fact]
    public async Task A_crash_leaves_a_leftover_that_is_reported_and_removed_by_the_next_run()
    {
        CompletedBackup good = await fixture.PublishAsync(19);
        PendingBackup crashed = await BeginAsync();
        _ = BackupSamples.Fill(crashed);
        _ = Directory.CreateDirectory(fixture.PathOf("20261118T020000Z-full.deleting"));
        _ = Directory.CreateDirectory(fixture.PathOf("20261118T020000Z-full.partial.old"));
        _ = Directory.CreateDirectory(fixture.PathOf("notes.partial"));

        Assert.Equal(4, fixture.Domain.List().Unusable.Count);
        Assert.Equal(2, fixture.Domain.RemoveLeftovers(fixture.Held));

        Assert.False(Directory.Exists(crashed.DirectoryPath));
        Assert.Equal(
            ["20261118T020000Z-full.partial.old", "notes.partial"],
            fixture.Domain.List().Unusable.Select(entry => entry.Name));
        Assert.Equal(good.Id, fixture.Domain.Find(null).Id);
    }

    [Fact]
    public async Task A_backup_gets_the_next_free_second_as_its_ID()
    {
        _ = await fixture.PublishAsync(20);
        _ = Directory.CreateDirectory(fixture.PathOf("20261120T020001Z-diff.partial"));
        _ = Directory.CreateDirectory(fixture.PathOf("20261120T020002Z-incr.deleting"));
        await using PendingBackup pending = await BeginAsync();
        Assert.Equal("20261120T020003Z", pending.Id.ToString());
    }

    [Theory]
    [InlineData("../x"), InlineData("/x"), InlineData(""), InlineData("."), InlineData(".."), InlineData(".x")]
    [InlineData(
        "a/b"), InlineData("a\nb"), InlineData("manifest.json"), InlineData("SHA256SUMS"), InlineData("protected")]
    public async Task A_file_name_outside_the_backup_is_refused(string fileName)
    {
        await using PendingBackup pending = await BeginAsync();
        _ = Assert.Throws<ArgumentException>(() => pending.CreateFile(fileName));
    }

    [Fact]
    public async Task An_existing_file_is_never_overwritten()
    {
        await using PendingBackup pending = await BeginAsync();
        _ = BackupSamples.Fill(pending);
        StorageException failure = Assert.Throws<StorageException>(() => pending.CreateFile("web1.tar.gz"));
        Assert.Contains("web1.tar.gz", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_archive_of_unexpected_length_is_not_published()
    {
        await using PendingBackup pending = await BeginAsync();
        Manifest manifest = BackupSamples.Fill(pending);
        File.AppendAllText(Path.Combine(pending.DirectoryPath, "web1.tar.gz"), "!");
        StorageException failure = await FailAsync(pending, manifest);
        Assert.Contains("8 bytes on disk, but 7", failure.Message, StringComparison.Ordinal);
        Assert.Empty(fixture.Domain.List().Backups);
    }

    [Fact]
    public async Task A_manifest_of_another_backup_is_not_published()
    {
        await using PendingBackup pending = await BeginAsync();
        Manifest manifest = BackupSamples.Fill(pending);
        _ = await FailAsync(pending, manifest with { Id = BackupSamples.IdOfDay(1) });
        _ = await FailAsync(pending, manifest with { Domain = new DomainName("db1") });
        _ = await FailAsync(pending, manifest with { Archive = manifest.Archive with { IndexFileName = "other" } });
        _ = await pending.PublishAsync(manifest, CancellationToken.None);
    }

    [Fact]
    public async Task A_cancelled_publication_publishes_nothing()
    {
        await using (PendingBackup pending = await BeginAsync())
        {
            Manifest manifest = BackupSamples.Fill(pending);
            _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => pending.PublishAsync(manifest, new CancellationToken(canceled: true)));
            Assert.Empty(fixture.Domain.List().Backups);
        }

        Assert.Empty(fixture.Domain.List().Unusable);
    }

    [Fact]
    public async Task Only_the_owner_may_read_the_files()
    {
        CompletedBackup completed = await fixture.PublishAsync(20);
        const UnixFileMode file = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(file | UnixFileMode.UserExecute, File.GetUnixFileMode(fixture.Root.DirectoryPath));
        Assert.Equal(file | UnixFileMode.UserExecute, File.GetUnixFileMode(fixture.Domain.DirectoryPath));
        Assert.Equal(file | UnixFileMode.UserExecute, File.GetUnixFileMode(completed.DirectoryPath));
        string[] files = Directory.GetFiles(completed.DirectoryPath);
        Assert.Equal(4, files.Length);
        Assert.All(files, path => Assert.Equal(file, File.GetUnixFileMode(path)));
    }

    [Fact]
    public async Task A_released_lock_or_another_domains_lock_begins_no_backup()
    {
        DomainDirectory other = fixture.Root.ForDomain(new DomainName("db1"));
        DomainLock held = await other.LockAsync(TimeSpan.Zero, CancellationToken.None);
        _ = await Assert.ThrowsAsync<InvalidOperationException>(
            () => fixture.Domain.BeginAsync(ManifestSamples.Id, BackupKind.Full, held));
        held.Dispose();
        _ = await Assert.ThrowsAsync<InvalidOperationException>(
            () => other.BeginAsync(ManifestSamples.Id, BackupKind.Full, held));
    }

    private static Task<StorageException> FailAsync(PendingBackup pending, Manifest manifest) =>
        Assert.ThrowsAsync<StorageException>(() => pending.PublishAsync(manifest, CancellationToken.None));

    private Task<PendingBackup> BeginAsync() =>
        fixture.Domain.BeginAsync(ManifestSamples.Id, BackupKind.Full, fixture.Held);
}
