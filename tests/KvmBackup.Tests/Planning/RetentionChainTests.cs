using KvmBackup.Planning;
using static KvmBackup.Tests.Planning.RetentionSamples;

namespace KvmBackup.Tests.Planning;

public sealed class RetentionChainTests
{
    /// <summary>Kinds F, I and D from the oldest to the newest, and the backups that rotate 1 keeps.</summary>
    [Theory]
    [InlineData("FFF", "..F")]
    [InlineData("FI", "FI")]
    [InlineData("FII", "FII")]
    [InlineData("FIFII", "..FII")]
    [InlineData("FIIF", "...F")]
    [InlineData("FDDD", "F..D")]
    [InlineData("FDFDD", "..F.D")]
    [InlineData("FDI", "FDI")]
    [InlineData("FID", "F.D")]
    [InlineData("I", "I")]
    [InlineData("II", "II")]
    public void The_bases_of_the_newest_backup_are_kept(string kinds, string expected)
    {
        CompletedBackup[] history = History(kinds);

        RetentionDecision decision = RetentionPlanner.Decide(new RetentionPolicy(Last: 1), history[^1], history);

        string kept = string.Concat(
            decision.Verdicts.Reverse().Select((verdict, index) => verdict.IsKept ? kinds[index] : '.'));
        Assert.Equal(expected, kept);
    }

    [Fact]
    public void The_reason_for_a_base_names_its_increment()
    {
        CompletedBackup[] history = History("FFII");

        Assert.Equal(
            [
                "kept: the newest", "kept: base of 20261104T020000Z", "kept: base of 20261104T020000Z",
                "removed: 4th newest, rotate keeps 1",
            ],
            RetentionPlanner.Decide(new RetentionPolicy(Last: 1), history[^1], history).Reasons());
    }

    [Fact]
    public void A_protected_increment_keeps_its_chain_too()
    {
        CompletedBackup[] history = History("FIIF");
        history[1] = history[1] with { IsProtected = true };

        Assert.Equal(
            [
                "kept: the newest", "removed: 2nd newest, rotate keeps 1", "kept: protected",
                "kept: base of 20261102T020000Z",
            ],
            RetentionPlanner.Decide(new RetentionPolicy(Last: 1), history[^1], history).Reasons());
    }

    [Fact]
    public void An_incremental_disk_in_a_differential_backup_keeps_the_backups_between()
    {
        CompletedBackup[] history = History("FDD");
        ManifestDisk disk = history[2].Manifest.Disks[0] with { Kind = BackupKind.Incremental };
        history[2] = history[2] with { Manifest = history[2].Manifest with { Disks = [disk] } };

        Assert.Equal(
            3, RetentionPlanner.Decide(new RetentionPolicy(Last: 1), history[^1], history).Kept().Length);
    }

    [Fact]
    public void A_chain_does_not_run_through_backups_of_another_guest()
    {
        CompletedBackup[] all =
        [
            Backup("20261101T020000Z"), Backup("20261102T020000Z", guest: OtherGuest),
            Backup("20261103T020000Z", BackupKind.Incremental),
        ];

        Assert.Equal(
            "kept: base of 20261103T020000Z",
            RetentionPlanner.Decide(new RetentionPolicy(Last: 1), all[^1], all).Reasons()[^1]);
    }

    private static CompletedBackup[] History(string kinds) =>
    [
        .. kinds.Select((kind, index) => Backup(
            $"202611{index + 1:00}T020000Z",
            kind switch { 'F' => BackupKind.Full, 'I' => BackupKind.Incremental, _ => BackupKind.Differential })),
    ];
}
