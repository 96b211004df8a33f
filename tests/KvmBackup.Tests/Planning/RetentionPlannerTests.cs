using KvmBackup.Planning;
using static KvmBackup.Tests.Planning.RetentionSamples;

namespace KvmBackup.Tests.Planning;

public sealed class RetentionPlannerTests
{
    [Fact]
    public void The_oldest_backup_is_removed_when_a_fifth_arrives()
    {
        CompletedBackup[] history = Nightly(new DateOnly(2026, 11, 20), 5);

        RetentionDecision decision = RetentionPlanner.Decide(new RetentionPolicy(Last: 4), history[^1], history);

        Assert.Equal(
            [
                "kept: one of the newest 4", "kept: one of the newest 4", "kept: one of the newest 4",
                "kept: one of the newest 4", "removed: 5th newest, rotate keeps 4",
            ],
            decision.Reasons());
        Assert.Equal(history.Reverse(), decision.Verdicts.Select(verdict => verdict.Backup));
    }

    [Theory]
    [InlineData(1, 3, 1)]
    [InlineData(2, 3, 2)]
    [InlineData(3, 3, 3)]
    [InlineData(4, 3, 3)]
    [InlineData(2, 12, 2)]
    public void Rotate_keeps_the_configured_number_also_after_it_was_reduced(int rotate, int total, int expected)
    {
        CompletedBackup[] history = Nightly(new DateOnly(2026, 11, 20), total);

        RetentionDecision decision = RetentionPlanner.Decide(new RetentionPolicy(Last: rotate), history[^1], history);

        Assert.Equal(expected, decision.Kept().Length);
    }

    [Fact]
    public void The_proof_counts_once_whether_or_not_the_list_has_it()
    {
        CompletedBackup[] history = Nightly(new DateOnly(2026, 11, 20), 3);
        RetentionPolicy policy = new(Last: 2);
        CompletedBackup otherSpelling = history[^1] with { DirectoryPath = history[^1].DirectoryPath + "/" };

        string[] expected = ["20261120T020000Z", "20261119T020000Z"];
        Assert.Equal(expected, RetentionPlanner.Decide(policy, history[^1], history).Kept());
        Assert.Equal(expected, RetentionPlanner.Decide(policy, history[^1], history[..^1]).Kept());
        RetentionDecision decision = RetentionPlanner.Decide(policy, otherSpelling, history);
        Assert.Equal(expected, decision.Kept());
        Assert.Equal(3, decision.Verdicts.Count);
    }

    [Fact]
    public void A_protected_backup_is_kept_also_when_it_was_protected_after_the_proof()
    {
        CompletedBackup[] history = Nightly(new DateOnly(2026, 11, 20), 4);
        CompletedBackup[] marked = [history[0] with { IsProtected = true }, .. history[1..]];

        Assert.Equal(
            [
                "kept: the newest", "removed: 2nd newest, rotate keeps 1", "removed: 3rd newest, rotate keeps 1",
                "kept: protected",
            ],
            RetentionPlanner.Decide(new RetentionPolicy(Last: 1), history[^1], marked).Reasons());
        CompletedBackup earlierProof = history[^1] with { DirectoryPath = "/another/spelling" };
        Assert.Equal(
            ["kept: protected"],
            RetentionPlanner.Decide(
                new RetentionPolicy(Last: 1), earlierProof, [history[^1] with { IsProtected = true }]).Reasons());
    }

    [Fact]
    public void Backups_of_another_guest_of_the_same_name_are_kept_and_do_not_count()
    {
        CompletedBackup[] all =
        [
            Backup("20261120T020000Z"),
            Backup("20261119T020000Z", guest: OtherGuest),
            Backup("20261118T020000Z"),
            Backup("20261117T020000Z"),
        ];

        Assert.Equal(
            [
                "kept: one of the newest 2",
                "kept: another guest of this name (UUID 22222222-2222-2222-2222-222222222222)",
                "kept: one of the newest 2",
                "removed: 3rd newest, rotate keeps 2",
            ],
            RetentionPlanner.Decide(new RetentionPolicy(Last: 2), all[0], all).Reasons());
    }

    [Fact]
    public void A_clock_set_back_removes_no_backup()
    {
        CompletedBackup proof = Backup("20261120T020000Z");
        CompletedBackup[] all =
        [
            Backup("20300101T020000Z"), Backup("20300102T020000Z"), proof, Backup("20261119T020000Z"),
            Backup("20261118T020000Z"),
        ];

        Assert.Equal(
            [
                "kept: newer than 20261120T020000Z, the newest backup that counts",
                "kept: newer than 20261120T020000Z, the newest backup that counts",
                "kept: one of the newest 2",
                "kept: one of the newest 2",
                "removed: 5th newest, rotate keeps 2",
            ],
            RetentionPlanner.Decide(new RetentionPolicy(Last: 2), proof, all).Reasons());
    }

    [Fact]
    public void Age_counts_from_the_proof_and_its_limit_is_exact()
    {
        CompletedBackup proof = Backup("20261120T020000Z");
        CompletedBackup[] all = [proof, Backup("20261113T020001Z"), Backup("20261113T020000Z")];

        Assert.Equal(
            ["kept: younger than 7d", "kept: younger than 7d", "removed: 3rd newest, no rule keeps it (age 7d)"],
            RetentionPlanner.Decide(new RetentionPolicy(Age: TimeSpan.FromDays(7)), proof, all).Reasons());
    }

    [Fact]
    public void An_age_of_zero_still_keeps_the_newest()
    {
        CompletedBackup[] history = Nightly(new DateOnly(2026, 11, 20), 2);

        RetentionDecision decision = RetentionPlanner.Decide(
            new RetentionPolicy(Age: TimeSpan.Zero), history[^1], history);

        Assert.Equal("kept: the newest good one", decision.Reasons()[0]);
        Assert.Equal(["20261120T020000Z"], decision.Kept());
    }

    [Fact]
    public void Without_a_rule_nothing_is_removed()
    {
        CompletedBackup[] history = Nightly(new DateOnly(2026, 11, 20), 3);

        Assert.Equal(
            Enumerable.Repeat("kept: no retention rule", 3),
            RetentionPlanner.Decide(new RetentionPolicy(), history[^1], history).Reasons());
    }

    [Fact]
    public void A_backup_is_kept_when_any_rule_applies_with_all_reasons()
    {
        CompletedBackup[] history = Nightly(new DateOnly(2026, 11, 20), 8);

        RetentionDecision decision = RetentionPlanner.Decide(
            new RetentionPolicy(Last: 1, Daily: 2, Weekly: 2, Monthly: 1, Yearly: 1), history[^1], history);

        Assert.Equal(
            "kept: the newest, newest of day 2026-11-20, newest of week 2026-W47, "
            + "newest of month 2026-11, newest of year 2026",
            decision.Reasons()[0]);
        Assert.Equal("kept: newest of day 2026-11-19", decision.Reasons()[1]);
        Assert.Equal(["20261120T020000Z", "20261119T020000Z", "20261115T020000Z"], decision.Kept());
        Assert.Equal(
            "removed: 3rd newest, no rule keeps it (last 1, daily 2, weekly 2, monthly 1, yearly 1)",
            decision.Reasons()[2]);
    }

    [Fact]
    public void Prune_takes_the_guest_of_the_newest_backup_as_the_current_guest()
    {
        CompletedBackup[] all =
        [
            Backup("20261001T020000Z", guest: OtherGuest), Backup("20261119T020000Z"), Backup("20261120T020000Z"),
        ];

        Assert.Equal(
            [
                "kept: the newest",
                "removed: 2nd newest, rotate keeps 1",
                "kept: another guest of this name (UUID 22222222-2222-2222-2222-222222222222)",
            ],
            RetentionPlanner.Decide(new RetentionPolicy(Last: 1), all, Now).Reasons());
        Assert.Empty(RetentionPlanner.Decide(new RetentionPolicy(Last: 1), [], Now).Verdicts);
    }

    [Fact]
    public void A_backup_later_than_the_clock_is_not_a_proof_for_prune_and_does_not_count()
    {
        CompletedBackup[] all =
        [
            Backup(
                "20261118T020000Z"), Backup("20261119T020000Z"), Backup("20261120T020000Z"), Backup("20380101T000000Z"),
        ];

        Assert.Equal(
            [
                "kept: newer than 20261120T020000Z, the newest backup that counts",
                "kept: one of the newest 2", "kept: one of the newest 2", "removed: 4th newest, rotate keeps 2",
            ],
            RetentionPlanner.Decide(new RetentionPolicy(Last: 2), all, Now).Reasons());
        Assert.Equal(
            4, RetentionPlanner.Decide(new RetentionPolicy(Age: TimeSpan.FromDays(7)), all, Now).Kept().Length);
    }

    [Fact]
    public void When_the_clock_is_before_all_backups_prune_keeps_them_all()
    {
        CompletedBackup[] all = Nightly(new DateOnly(2026, 11, 20), 5);

        RetentionDecision decision = RetentionPlanner.Decide(
            new RetentionPolicy(Last: 1), all, DateTimeOffset.UnixEpoch);

        Assert.Equal(5, decision.Kept().Length);
        Assert.All(decision.Reasons(), reason =>
            Assert.Equal("kept: all backups are later than the clock of this host", reason));
    }

    private static DateTimeOffset Now => new(2026, 11, 20, 3, 0, 0, TimeSpan.Zero);
}
