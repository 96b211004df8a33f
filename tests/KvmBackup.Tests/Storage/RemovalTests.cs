using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Storage;

public sealed class RemovalTests : IAsyncLifetime
{
    private readonly DomainFixture fixture = new();

    public Task InitializeAsync() => fixture.InitializeAsync();

    public Task DisposeAsync() => fixture.DisposeAsync();

    [Fact]
    public async Task A_backup_is_removed_when_a_newer_good_one_exists()
    {
        CompletedBackup old = await fixture.PublishAsync(1);
        CompletedBackup newer = await fixture.PublishAsync(2);
        _ = Directory.CreateDirectory(fixture.PathOf("20261101T020000Z-full.deleting", "crashed"));
        fixture.Domain.Remove(old, newer, fixture.Held);
        Assert.Equal([newer.DirectoryPath], Directory.GetDirectories(fixture.Domain.DirectoryPath));
    }

    [Fact]
    public async Task Without_a_newer_good_backup_nothing_is_removed()
    {
        CompletedBackup old = await fixture.PublishAsync(1);
        CompletedBackup newer = await fixture.PublishAsync(2);
        Refuse(old, old, "not a newer backup");
        Refuse(newer, old, "not a newer backup");

        File.AppendAllText(Path.Combine(newer.DirectoryPath, "web1.tar.gz"), "damage");
        Refuse(old, newer, "no longer the same backup");
        Directory.Delete(newer.DirectoryPath, recursive: true);
        Refuse(old, newer, "no longer the same backup");
        Assert.Equal(old.Id, Assert.Single(fixture.Domain.List().Backups).Id);
    }

    [Fact]
    public async Task A_backup_later_than_the_clock_is_not_a_proof()
    {
        CompletedBackup old = await fixture.PublishAsync(1);
        CompletedBackup future = await BackupSamples.PublishAsync(
            fixture.Domain, fixture.Held, id: new BackupId(DateTimeOffset.MaxValue));

        Refuse(old, future, "later than the clock of this host");

        Assert.Equal(2, fixture.Domain.List().Backups.Count);
    }

    [Fact]
    public async Task A_backup_protected_after_the_listing_is_kept()
    {
        CompletedBackup old = await fixture.PublishAsync(1);
        CompletedBackup newer = await fixture.PublishAsync(2);
        _ = File.CreateSymbolicLink(Path.Combine(old.DirectoryPath, "protected"), "/nowhere");
        Refuse(old, newer, "protected");
        Assert.Equal([false, true], fixture.Domain.List().Backups.Select(backup => backup.IsProtected));
    }

    [Fact]
    public async Task A_backup_of_another_domain_is_neither_a_proof_nor_removed()
    {
        CompletedBackup old = await fixture.PublishAsync(1);
        CompletedBackup newer = await fixture.PublishAsync(2);
        string other = Path.Combine(fixture.Root.DirectoryPath, "db1");
        _ = Directory.CreateDirectory(other);
        Refuse(old, newer with { DirectoryPath = Path.Combine(other, Path.GetFileName(newer.DirectoryPath)) },
            "is not in");
        Refuse(
            old with { DirectoryPath = Path.Combine(other, Path.GetFileName(old.DirectoryPath)) }, newer, "is not in");
    }

    [Fact]
    public async Task A_link_with_the_name_of_a_backup_is_never_followed_by_a_deletion()
    {
        CompletedBackup old = await fixture.PublishAsync(1);
        CompletedBackup newer = await fixture.PublishAsync(2);
        string moved = Path.Combine(fixture.Root.DirectoryPath, "moved");
        Directory.Move(old.DirectoryPath, moved);
        _ = Directory.CreateSymbolicLink(old.DirectoryPath, moved);
        Refuse(old, newer, "symbolic link");
        Assert.Equal(4, Directory.GetFiles(moved).Length);
    }

    [Fact]
    public async Task Links_within_a_backup_are_removed_and_not_followed()
    {
        CompletedBackup old = await fixture.PublishAsync(1);
        CompletedBackup newer = await fixture.PublishAsync(2);
        string precious = Directory.CreateDirectory(Path.Combine(fixture.Root.DirectoryPath, "precious")).FullName;
        File.WriteAllText(Path.Combine(precious, "file"), "x");
        _ = Directory.CreateSymbolicLink(Path.Combine(old.DirectoryPath, "link"), precious);
        fixture.Domain.Remove(old, newer, fixture.Held);
        Assert.True(File.Exists(Path.Combine(precious, "file")));
        Assert.False(Directory.Exists(old.DirectoryPath));
    }

    private void Refuse(CompletedBackup backup, CompletedBackup proof, string reason)
    {
        StorageException failure = Assert.Throws<StorageException>(
            () => fixture.Domain.Remove(backup, proof, fixture.Held));
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
    }
}
