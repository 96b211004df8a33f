using KvmBackup.Planning;
using static KvmBackup.Tests.Planning.RetentionSamples;

namespace KvmBackup.Tests.Planning;

public sealed class ClockNoticeTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 3, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Backups_later_than_the_clock_are_listed_with_a_hint()
    {
        CompletedBackup[] all = [Backup("20380101T000000Z"), Backup("20261120T020000Z")];

        string notice = ClockNotice.Find(all, Now)!;

        Assert.Contains("shows 20261120T030000Z, and 1 of 2 backup(s) are later: 20380101T000000Z.", notice,
            StringComparison.Ordinal);
        Assert.Contains("timedatectl", notice, StringComparison.Ordinal);
        Assert.Null(ClockNotice.Find(all[1..], Now));
    }

    [Fact]
    public void Clocks_may_differ_a_little_and_a_new_backup_still_gets_the_latest_ID()
    {
        CompletedBackup[] all = [Backup("20380101T000000Z"), Backup("20261120T030900Z"), Backup("20261119T020000Z")];

        Assert.Null(ClockNotice.Find(all[1..], Now));
        Assert.Equal("20261120T030901Z", ClockNotice.NextId(all, Now).ToString());
        Assert.Equal("20261120T030000Z", ClockNotice.NextId(all[2..], Now).ToString());
        Assert.Equal("20261120T030000Z", ClockNotice.NextId([], Now).ToString());
    }
}
