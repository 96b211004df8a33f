using KvmBackup.Planning;
using static KvmBackup.Tests.Planning.ChainSamples;

namespace KvmBackup.Tests.Planning;

/// <summary>The choice of the increment that becomes a full backup.</summary>
public sealed class MergePlannerTests
{
    [Fact]
    public void The_oldest_kept_increment_becomes_full_and_releases_its_bases()
    {
        CompletedBackup[] chain = Chain(5);

        MergePlan plan = MergePlanner.Plan(new RetentionPolicy(Last: 3), chain[^1], chain)!;

        Assert.Equal(Id(3), plan.Point.Id);
        Assert.Equal([Id(1), Id(2), Id(3)], plan.From.Select(backup => backup.Id));
        Assert.Equal([Id(1), Id(2), Id(3)], Assert.Single(plan.Images).Links.Select(link => link.Backup.Id));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public void While_all_backups_are_kept_nothing_is_merged(int last)
    {
        CompletedBackup[] chain = Chain(5);

        Assert.Null(MergePlanner.Plan(new RetentionPolicy(Last: last), chain[^1], chain));
    }

    [Fact]
    public void The_newest_backup_can_be_the_only_one_kept()
    {
        CompletedBackup[] chain = Chain(3);

        Assert.Equal(Id(3), MergePlanner.Plan(new RetentionPolicy(Last: 1), chain[^1], chain)!.Point.Id);
    }

    [Fact]
    public void A_protected_backup_is_not_replaced_and_a_protected_base_is_not_copied()
    {
        CompletedBackup[] chain = Chain(5);
        chain[2] = chain[2] with { IsProtected = true };
        Assert.Null(MergePlanner.Plan(new RetentionPolicy(Last: 3), chain[^1], chain));

        chain = Chain(5);
        chain[0] = chain[0] with { IsProtected = true };
        Assert.Null(MergePlanner.Plan(new RetentionPolicy(Last: 3), chain[^1], chain));
    }

    [Fact]
    public void An_increment_is_not_merged_when_no_full_backup_is_released()
    {
        // Rotate keeps two of these, and the yearly rule the full one.
        CompletedBackup[] chain = Chain(5);
        RetentionPolicy policy = new(Last: 2, Yearly: 2);
        chain[0] = Dated(chain[0], new DateTimeOffset(2025, 1, 1, 0, 0, 0, TimeSpan.Zero));
        chain[1] = Dated(chain[1], Id(2).Instant, chain[0].Id);

        Assert.Null(MergePlanner.Plan(policy, chain[^1], chain));
    }

    [Fact]
    public void A_very_long_chain_takes_several_steps_of_few_links_each()
    {
        List<CompletedBackup> chain = [.. Chain(28)];
        List<int> links = [];
        for (int step = 0; MergePlanner.Plan(new RetentionPolicy(Last: 2), chain[^1], chain) is { } plan; step++)
        {
            Assert.InRange(step, 0, 9);
            links.Add(plan.From.Count);
            int point = chain.IndexOf(plan.Point);
            chain[point] = Backup(plan.Point.Id.Instant.Day);
            RetentionDecision left = RetentionPlanner.Decide(new RetentionPolicy(Last: 2), chain[^1], chain);
            chain = [.. left.Verdicts.Where(verdict => verdict.IsKept).Select(verdict => verdict.Backup).Reverse()];
        }

        Assert.Equal([Id(27), Id(28)], chain.Select(backup => backup.Id));
        Assert.All(links, count => Assert.InRange(count, 2, 12));
    }

    [Fact]
    public void A_broken_chain_is_not_merged()
    {
        CompletedBackup[] chain = [Backup(3, 2), Backup(4, 3), Backup(5, 4)];

        Assert.Null(MergePlanner.Plan(new RetentionPolicy(Last: 2), chain[^1], chain));
    }

    /// <summary>Day 1 is full, each later one depends on the day before.</summary>
    private static CompletedBackup[] Chain(int days) =>
        [.. Enumerable.Range(1, days).Select(day => day == 1 ? Backup(1) : Backup(day, day - 1))];

    private static CompletedBackup Dated(CompletedBackup backup, DateTimeOffset instant, BackupId? dependency = null)
    {
        ManifestDisk disk = backup.Manifest.Disks[0];
        return backup with
        {
            Manifest = backup.Manifest with
            {
                Id = new BackupId(instant),
                Disks = [disk with { Image = disk.Image! with { BaseBackup = dependency ?? disk.Image.BaseBackup } }],
            },
        };
    }
}
