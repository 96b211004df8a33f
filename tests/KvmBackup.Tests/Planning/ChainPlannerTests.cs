using KvmBackup.Planning;
using static KvmBackup.Tests.Planning.ChainSamples;

namespace KvmBackup.Tests.Planning;

public sealed class ChainPlannerTests
{
    private static readonly ChainPolicy Weekly = new(Points: 7, Age: null, IsDifferential: false);
    private static readonly RbdImageFacts Facts = new(ImageId, 1 << 20, 4 << 20, true, true, null, null);

    [Fact]
    public void A_backup_later_than_the_new_one_is_not_a_base()
    {
        CompletedBackup[] own = [Backup(21), Backup(2, 1), Backup(1)];

        ChainDecision decision = ChainPlanner.Decide(
            Vdb, Facts, [InCluster(1), InCluster(2), InCluster(21)], Weekly, own, Id(3));

        Assert.Equal(new ChainBase(BackupKind.Incremental, Id(2), Snapshot(2)), decision.Base);
    }

    [Fact]
    public void Without_a_policy_and_for_the_first_time_the_backup_is_full_without_a_notice()
    {
        Assert.Equal(new ChainDecision(null, null), Decide(null, [Backup(1)], 1));
        Assert.Equal(new ChainDecision(null, null), Decide(Weekly, [], 1));
    }

    [Fact]
    public void An_increment_depends_on_the_previous_backup_and_a_differential_on_the_full_one()
    {
        CompletedBackup[] own = [Backup(2, 1), Backup(1)];

        Assert.Equal(new ChainBase(BackupKind.Incremental, Id(2), Snapshot(2)), Decide(Weekly, own, 1, 2).Base);
        Assert.Equal(
            new ChainBase(BackupKind.Differential, Id(1), Snapshot(1)),
            Decide(Weekly with { IsDifferential = true }, [Backup(2, 1, BackupKind.Differential), Backup(1)], 1).Base);
    }

    [Fact]
    public void An_increment_of_an_external_snapshot_has_its_ID()
    {
        CompletedBackup newest = Backup(1);
        newest = newest with
        {
            Manifest = newest.Manifest with
            {
                Disks = [
                    newest.Manifest.Disks[0] with { Image = newest.Manifest.Disks[0].Image! with { SnapshotId = 1 } }],
            },
        };

        Assert.Equal(1, Decide(Weekly, [newest], 1).Base?.SnapshotId);
        Assert.Null(Decide(Weekly, [Backup(1)], 1).Base?.SnapshotId);
    }

    [Fact]
    public void A_chain_ends_by_its_length_and_by_the_age_of_its_full_backup()
    {
        CompletedBackup[] own = [Backup(3, 2), Backup(2, 1), Backup(1)];

        Assert.NotNull(Decide(Weekly with { Points = 4 }, own, 3).Base);
        Assert.Equal(new ChainDecision(null, null), Decide(Weekly with { Points = 3 }, own, 3));
        Assert.NotNull(Decide(new ChainPolicy(null, TimeSpan.FromDays(21), false), own, 3).Base);
        Assert.Equal(
            new ChainDecision(null, null), Decide(new ChainPolicy(null, TimeSpan.FromDays(20), false), own, 3));
    }

    [Theory]
    [InlineData("created again")]
    [InlineData("is missing from the cluster")]
    [InlineData("depends on is missing")]
    [InlineData("does not hold its image")]
    public void Any_doubt_about_the_base_makes_the_backup_full_and_is_reported(string reason)
    {
        ChainDecision decision = reason switch
        {
            "created again" => Decide(Weekly, [Backup(1, imageId: "other")], 1),
            "is missing from the cluster" => Decide(Weekly, [Backup(1)]),
            "depends on is missing" => Decide(Weekly, [Backup(3, 2), Backup(1)], 3),
            _ => Decide(Weekly, [Bare(Backup(2)), Backup(1)], 1, 2),
        };

        Assert.Null(decision.Base);
        Assert.Contains(reason, decision.Notice, StringComparison.Ordinal);
        Assert.Contains("vdb", decision.Notice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chain_starts_at_its_full_backup_and_has_no_gaps()
    {
        CompletedBackup[] all = [Backup(4, 3), Backup(3, 1), Backup(2, 1), Backup(1)];

        Assert.Equal([Id(1), Id(3), Id(4)], ChainPlanner.Find(all[0], Vdb, all)!.Select(link => link.Id));
        Assert.Null(ChainPlanner.Find(all[0], Vdb, [all[0], all[2], all[3]]));
        Assert.Null(ChainPlanner.Find(all[0], Vdb, [all[0], all[1], Backup(1, imageId: "other")]));
    }

    private static CompletedBackup Bare(CompletedBackup backup) =>
        backup with
        {
            Manifest =
            backup.Manifest with { Disks = [.. backup.Manifest.Disks.Select(disk => disk with { Image = null })] }
        };

    private static ChainDecision Decide(ChainPolicy? policy, CompletedBackup[] own, params int[] inCluster) =>
        ChainPlanner.Decide(Vdb, Facts, [.. inCluster.Select(InCluster)], policy, own, Id(21));
}
