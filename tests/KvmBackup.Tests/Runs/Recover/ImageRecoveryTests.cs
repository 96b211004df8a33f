using KvmBackup.Journaling;
using KvmBackup.Runs.Recover;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Recover;

/// <summary>The removal of snapshots of an interrupted run, or of one that could not remove them.</summary>
public sealed class ImageRecoveryTests : IDisposable
{
    private const string Missing = "rbd: failed to remove snapshot: (2) No such file or directory";
    private static readonly JournalImage Image =
        new(RbdImage.Parse("rbd/a"), [], null, null, null, null, null, "kvmbackup.one");
    private readonly Web1Host host = new();
    private readonly ImageRecovery recovery;

    public ImageRecoveryTests()
    {
        recovery = new ImageRecovery(host.Access, host.Keys, host.Cluster, Logger.None);
        _ = Directory.CreateDirectory(host.PathOf("state"));
        host.Shell.On(" info ", [.. Enumerable.Repeat(Reply.Of("rbd/info-json"), 9)]);
    }

    private PendingSnapshotDeletions PendingDeletions => host.Journal.PendingDeletions;

    private JournalEntry Entry => JournalEntry.CreateIntent(
        Web1.Uuid, Web1.Identity.Name, Web1.Id, host.PathOf("20261120T020000Z-full.partial"), []) with
    {
        Images = [Image],
    };

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task The_snapshot_of_an_interrupted_run_is_removed_and_no_deletion_is_pending()
    {
        host.Shell.On("snap rm", Reply.Good(string.Empty));

        Assert.Contains("rbd/a@kvmbackup.one was removed",
            Assert.Single(await recovery.RecoverAsync(Entry, PendingDeletions)), StringComparison.Ordinal);

        Assert.Empty(PendingDeletions.List());
    }

    [Fact]
    public async Task The_snapshot_of_a_published_backup_stays()
    {
        _ = Directory.CreateDirectory(host.PathOf("20261120T020000Z-full"));

        _ = await recovery.RecoverAsync(Entry, PendingDeletions);

        Assert.Equal(0, host.Shell.Count("snap rm"));
    }

    [Fact]
    public async Task A_snapshot_that_may_still_be_created_is_checked_again()
    {
        host.Shell.On("snap rm", Reply.Bad(Missing, 2), Reply.Good(string.Empty));
        Assert.Empty(await recovery.RecoverAsync(Entry, PendingDeletions));
        Assert.Equal(Image, Assert.Single(PendingDeletions.List()) with { Monitors = Image.Monitors });

        DomainRecoveryReport report = Assert.Single(await recovery.SettleAsync(PendingDeletions));

        Assert.True(report.IsRecovered);
        Assert.Contains("was removed", Assert.Single(report.Actions), StringComparison.Ordinal);
        Assert.Empty(PendingDeletions.List());
    }

    [Fact]
    public async Task Every_run_retries_a_cluster_that_does_not_answer_and_no_guest_is_affected()
    {
        host.Shell.On("snap rm", Reply.Killed, Reply.Killed, Reply.Bad(Missing, 2));
        Assert.Contains("Every run retries this",
            Assert.Single(await recovery.RecoverAsync(Entry, PendingDeletions)), StringComparison.Ordinal);
        Assert.True(Assert.Single(await recovery.SettleAsync(PendingDeletions)).IsRecovered);
        _ = Assert.Single(PendingDeletions.List());

        Assert.Empty(await recovery.SettleAsync(PendingDeletions));

        Assert.Empty(PendingDeletions.List());
        Assert.Contains("--rados-osd-op-timeout 8", Recording.TextOf(host.Shell.Calls[^1]), StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_files_among_the_pending_deletions_are_ignored()
    {
        PendingDeletions.Add(Image);
        string file = Assert.Single(Directory.GetFiles(host.PathOf("state", "owed")));
        File.Move(file, Path.Combine(Path.GetDirectoryName(file)!, "other.json"));
        File.WriteAllText(file, "{");

        Assert.Empty(PendingDeletions.List());
    }
}
