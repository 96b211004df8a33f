using KvmBackup.Planning;
using static KvmBackup.Tests.Planning.ChainSamples;

namespace KvmBackup.Tests.Planning;

public sealed class SnapshotPlannerTests
{
    private static readonly ChainPolicy Weekly = new(Points: 7, Age: null, IsDifferential: false);
    private static readonly CompletedBackup[] Own = [Backup(3, 2), Backup(2, 1), Backup(1)];

    [Fact]
    public void Only_the_base_of_the_next_increment_is_kept() =>
        Assert.Equal([SnapshotDisposition.Kept, SnapshotDisposition.Removable, SnapshotDisposition.Removable],
            Dispositions(Weekly, 0, Own, 1, 2, 3));

    [Fact]
    public void A_differential_needs_the_full_snapshot_and_full_backups_need_none()
    {
        CompletedBackup[] own = [Backup(3, 1, BackupKind.Differential), Backup(1)];

        Assert.Equal([SnapshotDisposition.Removable, SnapshotDisposition.Kept],
            Dispositions(Weekly with { IsDifferential = true }, 0, own, 1, 3));
        Assert.Equal([SnapshotDisposition.Removable, SnapshotDisposition.Removable], Dispositions(null, 0, own, 1, 3));
    }

    [Fact]
    public void The_newest_snapshots_are_kept_for_a_rollback_when_configured()
    {
        Assert.Equal([SnapshotDisposition.Kept, SnapshotDisposition.Kept, SnapshotDisposition.Removable],
            Dispositions(Weekly, 2, Own, 1, 2, 3));
        Assert.Equal([SnapshotDisposition.Kept, SnapshotDisposition.Removable, SnapshotDisposition.Removable],
            Dispositions(null, 1, Own, 1, 2, 3));
    }

    [Fact]
    public void A_snapshot_is_removed_before_its_backup()
    {
        IReadOnlyList<SnapshotVerdict> verdicts = SnapshotPlanner.Decide(
            Domain, Vdb, Image, Weekly, 9, [InCluster(1), InCluster(2), InCluster(3)], Own, [Own[0]]);

        Assert.Equal([SnapshotDisposition.Kept, SnapshotDisposition.Removable, SnapshotDisposition.Removable],
            verdicts.Select(verdict => verdict.Disposition));
    }

    [Fact]
    public void Unknown_and_foreign_snapshots_are_never_removed()
    {
        string[] foreign =
        [
            "before-upgrade", "kvmbackup", $"kvmbackup.{Domain}.vda.20261101T020000Z.00000001",
            $"kvmbackup.{Guid.Empty}.vdb.20261101T020000Z.00000001",
            $"kvmbackup.{Domain}.vdb.20261101T020000Z.0000000G",
            $"kvmbackup.{Domain}.vdb.yesterday.00000001", $"x{Snapshot(1)}",
        ];
        RbdSnapshot[] snapshots = [
            InCluster(9), .. foreign.Select((name, index) => new RbdSnapshot(100 + index, name, 1, false))];

        SnapshotVerdict verdict = Assert.Single(
            SnapshotPlanner.Decide(Domain, Vdb, Image, Weekly, 0, snapshots, Own, Own));

        Assert.Equal((Snapshot(9), SnapshotDisposition.Unknown), (verdict.Snapshot.Name, verdict.Disposition));
    }

    private static IEnumerable<SnapshotDisposition> Dispositions(
        ChainPolicy? policy, int keep, CompletedBackup[] own, params int[] days) =>
        SnapshotPlanner.Decide(Domain, Vdb, Image, policy, keep, [.. days.Select(InCluster)], own, own).Select(
            verdict => verdict.Disposition);
}
