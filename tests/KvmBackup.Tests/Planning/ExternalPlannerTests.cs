using KvmBackup.Configuration;
using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

public sealed class ExternalPlannerTests
{
    private static readonly DateTimeOffset Today = new(2026, 11, 20, 8, 0, 0, TimeSpan.Zero);
    private static readonly ExternalSnapshots Plain = new(new("auto-%Y%m%d"), null, null, IsOnlyToday: false);
    private static readonly RbdSnapshot[] Snapshots =
        [new(3, "auto-20261118", 1, false), new(5, "auto-20261119", 1, false), new(6, "by-hand", 1, false)];

    [Fact]
    public void The_snapshot_with_the_highest_ID_is_read_regardless_of_its_date() => Assert.Equal(
        "auto-20261118",
        Decide(Plain, [new(1, "auto-20261119", 1, false), new(2, "auto-20261118", 1, false)]).Snapshot?.Name);

    [Fact]
    public void A_snapshot_is_not_backed_up_twice()
    {
        ExternalDecision decision = Decide(Plain, Snapshots, Last("auto-20261119", 5));

        Assert.Equal((null, true), (decision.Snapshot, decision.IsDone));
        Assert.Equal("already backed up: no snapshot is newer than auto-20261119", decision.Reason);
    }

    [Fact]
    public void A_snapshot_created_again_under_the_same_name_is_backed_up() =>
        Assert.Equal(5, Decide(Plain, Snapshots, Last("auto-20261119", 4)).Snapshot?.Id);

    [Fact]
    public void An_older_snapshot_is_not_backed_up_when_the_last_one_was_removed()
    {
        ExternalDecision decision = Decide(Plain, Snapshots[..1], Last("auto-20261119", 5));

        Assert.Equal((null, true), (decision.Snapshot, decision.IsDone));
    }

    [Fact]
    public void After_our_own_snapshots_only_newer_ones_are_read()
    {
        RbdSnapshot own = new(9, "kvmbackup.own", 1, false);

        Assert.True(Decide(Plain, [.. Snapshots, own], Last(own.Name, null)).IsDone);
        Assert.Equal(10,
            Decide(Plain, [.. Snapshots, own, new(10, "auto-20261120", 1, false)], Last(own.Name, null)).Snapshot?.Id);
    }

    [Fact]
    public void Without_a_matching_snapshot_the_existing_ones_are_listed()
    {
        ExternalDecision decision = Decide(Plain, Snapshots[2..]);

        Assert.Equal((null, false), (decision.Snapshot, decision.IsDone));
        Assert.Contains(
            "no snapshot is named 'auto-%Y%m%d'; its newest are by-hand", decision.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_snapshot_of_another_day_does_not_count_as_today_s()
    {
        ExternalSnapshots today = Plain with { IsOnlyToday = true };

        Assert.Contains("no snapshot of today", Decide(today, Snapshots).Reason, StringComparison.Ordinal);
        Assert.Equal(7, Decide(today, [.. Snapshots, new(7, "auto-20261120", 1, false)]).Snapshot?.Id);
    }

    [Fact]
    public void A_snapshot_is_ready_when_the_ready_snapshot_of_its_date_exists()
    {
        ExternalSnapshots wanted = Plain with { Ready = new("auto-%Y%m%d-ready") };
        RbdSnapshot ready = new(7, "auto-20261118-ready", 1, false);

        Assert.Equal("auto-20261118", Decide(wanted, [.. Snapshots, ready]).Snapshot?.Name);
        ExternalDecision waiting = Decide(wanted, [.. Snapshots, ready], Last("auto-20261118", 3));
        Assert.Equal((null, false), (waiting.Snapshot, waiting.IsDone));
        Assert.Equal(
            "the snapshot auto-20261119 is not ready: there is no snapshot auto-20261119-ready", waiting.Reason);
    }

    [Fact]
    public void A_snapshot_is_ready_when_the_ready_file_of_its_date_exists()
    {
        ExternalSnapshots wanted = Plain with { ReadyFile = new("/run/%d") };

        Assert.Equal("auto-20261118", Decide(wanted, Snapshots, null, path => path == "/run/18").Snapshot?.Name);
        Assert.Contains(
            "there is no file /run/19", Decide(wanted, Snapshots, null, _ => false).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_increment_does_not_depend_on_a_snapshot_created_again_under_the_same_name()
    {
        RbdImageFacts facts = new("1", 1 << 20, 1 << 20, false, false, null, null);
        CompletedBackup full = RetentionSamples.Backup("20261119T020000Z");
        ManifestDisk disk = full.Manifest.Disks[0] with { Image = Last("auto-20261119", 5) };
        full = full with { Manifest = full.Manifest with { Disks = [disk] } };
        ChainDecision Decide(long id) => ChainPlanner.Decide(
            full.Manifest.Disks[0].Target, facts, [new(id, "auto-20261119", 1, false)], new ChainPolicy(7, null, false),
            [full],
            new BackupId(Today));

        Assert.Equal("auto-20261119", Decide(5).Base?.SnapshotName);
        Assert.Null(Decide(6).Base);
    }

    private static ExternalDecision Decide(
        ExternalSnapshots wanted, RbdSnapshot[] snapshots, ManifestImage? last = null,
        Func<string, bool>? fileExists = null) =>
        ExternalPlanner.Decide(wanted, snapshots, last, Today, fileExists ?? (_ => false));

    private static ManifestImage Last(string snapshot, long? id) =>
        new(RbdImage.Parse("rbd/a"), "1", snapshot, null, null, []) { SnapshotId = id };
}
