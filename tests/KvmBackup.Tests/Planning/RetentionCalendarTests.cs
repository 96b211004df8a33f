using KvmBackup.Planning;
using static KvmBackup.Tests.Planning.RetentionSamples;

namespace KvmBackup.Tests.Planning;

public sealed class RetentionCalendarTests
{
    [Theory]
    [InlineData("20251228T020000Z", "2025-W52")]
    [InlineData("20251229T020000Z", "2026-W01")]
    [InlineData("20260101T020000Z", "2026-W01")]
    [InlineData("20260104T235959Z", "2026-W01")]
    [InlineData("20260105T000000Z", "2026-W02")]
    [InlineData("20261120T020000Z", "2026-W47")]
    [InlineData("20261231T020000Z", "2026-W53")]
    [InlineData("20270103T235959Z", "2026-W53")]
    [InlineData("20270104T000000Z", "2027-W01")]
    [InlineData("20270105T020000Z", "2027-W01")]
    [InlineData("20210103T020000Z", "2020-W53")]
    [InlineData("20241230T020000Z", "2025-W01")]
    public void Weeks_are_iso_weeks_also_around_new_year(string id, string week)
    {
        CompletedBackup backup = Backup(id);

        RetentionDecision decision = RetentionPlanner.Decide(new RetentionPolicy(Weekly: 1), backup, [backup]);

        Assert.Equal($"kept: newest of week {week}", decision.Reasons()[0]);
    }

    [Fact]
    public void Each_week_of_twelve_years_keeps_one_backup()
    {
        CompletedBackup[] history = Nightly(new DateOnly(2032, 12, 31), 12 * 366);

        RetentionDecision decision = RetentionPlanner.Decide(
            new RetentionPolicy(Weekly: 10_000), history[^1], history);

        RetentionVerdict[] kept = [.. decision.Verdicts.Where(verdict => verdict.IsKept)];
        Assert.All(kept.Skip(1), verdict => Assert.Equal(DayOfWeek.Sunday, verdict.Backup.Id.Instant.DayOfWeek));
        Assert.Equal((history.Length / 7) + 1, kept.Length);
    }

    [Fact]
    public void The_week_over_new_year_is_one_week()
    {
        CompletedBackup[] history = Nightly(new DateOnly(2027, 1, 5), 9);

        RetentionDecision decision = RetentionPlanner.Decide(new RetentionPolicy(Weekly: 2), history[^1], history);

        Assert.Equal(["20270105T020000Z", "20270103T020000Z"], decision.Kept());
    }

    [Fact]
    public void Days_are_UTC_days_in_every_time_zone()
    {
        CompletedBackup late = Backup(new BackupId(new DateTimeOffset(2026, 11, 21, 0, 30, 0, TimeSpan.FromHours(2))),
            BackupKind.Full, isProtected: false, Guest);
        CompletedBackup early = Backup("20261120T010000Z");

        RetentionDecision decision = RetentionPlanner.Decide(new RetentionPolicy(Daily: 5), late, [early]);

        Assert.Equal(
            [
                "kept: newest of day 2026-11-20",
                "removed: 2nd newest, no rule keeps it (daily 5)",
            ],
            decision.Reasons());
    }

    [Fact]
    public void Months_and_years_keep_their_newest_backup()
    {
        CompletedBackup[] history = Nightly(new DateOnly(2027, 3, 1), 500);

        Assert.Equal(
            ["20270301T020000Z", "20270228T020000Z", "20270131T020000Z", "20261231T020000Z"],
            RetentionPlanner.Decide(new RetentionPolicy(Monthly: 4), history[^1], history).Kept());
        Assert.Equal(
            ["20270301T020000Z", "20261231T020000Z", "20251231T020000Z"],
            RetentionPlanner.Decide(new RetentionPolicy(Yearly: 9), history[^1], history).Kept());
    }

    [Fact]
    public void Days_without_a_backup_do_not_count()
    {
        CompletedBackup[] all =
        [
            Backup("20261120T020000Z"), Backup("20261001T020000Z"), Backup("20260301T020000Z"),
            Backup("20250101T020000Z"),
        ];

        Assert.Equal(
            ["20261120T020000Z", "20261001T020000Z", "20260301T020000Z"],
            RetentionPlanner.Decide(new RetentionPolicy(Daily: 3), all[0], all).Kept());
    }

    [Theory]
    [InlineData(90, "90s")]
    [InlineData(7_200, "2h")]
    [InlineData(5_400, "90m")]
    [InlineData(2_419_200, "28d")]
    public void An_age_is_formatted_in_its_largest_whole_unit(int seconds, string text)
    {
        CompletedBackup backup = Backup("20261120T020000Z");

        RetentionDecision decision = RetentionPlanner.Decide(
            new RetentionPolicy(Age: TimeSpan.FromSeconds(seconds)), backup, []);

        Assert.Equal($"kept: younger than {text}", decision.Reasons()[0]);
    }

    [Theory]
    [InlineData(11, "11th")]
    [InlineData(13, "13th")]
    [InlineData(21, "21st")]
    [InlineData(22, "22nd")]
    [InlineData(23, "23rd")]
    [InlineData(24, "24th")]
    [InlineData(111, "111th")]
    public void Ordinals_are_english(int rank, string ordinal)
    {
        CompletedBackup[] history = Nightly(new DateOnly(2026, 11, 20), rank);

        RetentionDecision decision = RetentionPlanner.Decide(new RetentionPolicy(Last: 1), history[^1], history);

        Assert.Equal($"removed: {ordinal} newest, rotate keeps 1", decision.Reasons()[^1]);
    }
}
