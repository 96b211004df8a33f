using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Storage;

/// <summary>A full backup that replaces an increment of the same instant.</summary>
public sealed class MergedBackupTests : IAsyncLifetime
{
    private readonly DomainFixture fixture = new();

    public Task InitializeAsync() => fixture.InitializeAsync();

    public Task DisposeAsync() => fixture.DisposeAsync();

    [Fact]
    public async Task While_both_exist_the_full_backup_counts_and_the_increment_is_a_leftover()
    {
        (CompletedBackup increment, CompletedBackup merged) = await MergeAsync();

        BackupCatalogue found = fixture.Domain.List();

        Assert.Equal(merged.DirectoryPath, Assert.Single(found.Backups).DirectoryPath);
        UnusableEntry left = Assert.Single(found.Unusable);
        Assert.Equal((Path.GetFileName(increment.DirectoryPath), UnusableCause.Leftover), (left.Name, left.Cause));
        Assert.Equal(1, fixture.Domain.RemoveLeftovers(fixture.Held));
        Assert.Equal([merged.DirectoryPath], Directory.GetDirectories(fixture.Domain.DirectoryPath));
    }

    [Fact]
    public async Task The_increment_is_removed_when_the_merged_backup_exists()
    {
        (CompletedBackup increment, CompletedBackup merged) = await MergeAsync();

        fixture.Domain.RemoveMerged(increment, merged, fixture.Held);

        Assert.Equal([merged.DirectoryPath], Directory.GetDirectories(fixture.Domain.DirectoryPath));
    }

    [Fact]
    public async Task An_increment_is_kept_when_it_is_protected_or_its_replacement_is_not_good()
    {
        (CompletedBackup increment, CompletedBackup merged) = await MergeAsync();
        CompletedBackup other = await fixture.PublishAsync(7);
        Refuse(increment, other);

        File.WriteAllText(Path.Combine(increment.DirectoryPath, "protected"), string.Empty);
        Refuse(increment, merged);
        Assert.Equal(0, fixture.Domain.RemoveLeftovers(fixture.Held));
        File.Delete(Path.Combine(increment.DirectoryPath, "protected"));

        File.AppendAllText(Path.Combine(merged.DirectoryPath, "web1.tar.gz"), "damage");
        Refuse(increment, merged);
        Assert.Equal(0, fixture.Domain.RemoveLeftovers(fixture.Held));
        Assert.True(Directory.Exists(increment.DirectoryPath));
    }

    [Fact]
    public async Task Two_unmerged_backups_of_one_instant_are_both_kept()
    {
        CompletedBackup increment = await fixture.PublishAsync(3, BackupKind.Incremental);
        await using (PendingBackup pending = fixture.Domain.BeginMerged(increment, fixture.Held))
        {
            _ = await pending.PublishAsync(BackupSamples.Fill(pending), CancellationToken.None);
        }

        Assert.Equal(2, fixture.Domain.List().Backups.Count);
        Assert.Equal(0, fixture.Domain.RemoveLeftovers(fixture.Held));
    }

    [Fact]
    public async Task A_leftover_of_a_killed_merge_does_not_prevent_the_next_merge()
    {
        CompletedBackup increment = await fixture.PublishAsync(3, BackupKind.Incremental);
        string left = increment.DirectoryPath.Replace("-incr", "-full.partial", StringComparison.Ordinal);
        Directory.CreateDirectory(left);
        File.WriteAllText(Path.Combine(left, "web1.tar.gz"), "half");

        await using PendingBackup pending = fixture.Domain.BeginMerged(increment, fixture.Held);

        Assert.Equal(left, pending.DirectoryPath);
        Assert.Empty(Directory.GetFiles(left));
    }

    private void Refuse(CompletedBackup increment, CompletedBackup merged)
    {
        Assert.Throws<StorageException>(() => fixture.Domain.RemoveMerged(increment, merged, fixture.Held));
        Assert.True(Directory.Exists(increment.DirectoryPath));
    }

    private async Task<(CompletedBackup Increment, CompletedBackup Merged)> MergeAsync()
    {
        CompletedBackup increment = await fixture.PublishAsync(3, BackupKind.Incremental);
        await using PendingBackup pending = fixture.Domain.BeginMerged(increment, fixture.Held);
        Manifest manifest = BackupSamples.Fill(pending) with { MergedFrom = [BackupSamples.IdOfDay(1), increment.Id] };
        return (increment, await pending.PublishAsync(manifest, CancellationToken.None));
    }
}
