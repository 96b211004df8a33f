using KvmBackup.Configuration;

namespace KvmBackup.Tests.Configuration;

public sealed class DatePatternTests
{
    [Theory]
    [InlineData("auto-%Y%m%d", "auto-20261120", true)]
    [InlineData("auto-%Y%m%d", "auto-20261120-ready", false)]
    [InlineData("auto-%Y%m%d", "my-auto-20261120", false)]
    [InlineData("auto-%Y%m%d", "auto-2026112", false)]
    [InlineData("auto-%Y%m%d", "auto-20261120\n", false)]
    [InlineData("a.%d", "ax20", false)]
    [InlineData("%d%%-%d", "20%-20", true)]
    [InlineData("%d-%d", "20-21", false)]
    [InlineData("%Y-%m-%dT%H%M%S", "2026-11-20T093322", true)]
    [InlineData("%d", "२०", false)]
    [InlineData("fixed", "fixed", true)]
    public void A_name_matches_a_date_pattern_or_not(string pattern, string name, bool isMatch) =>
        Assert.Equal(isMatch, new DatePattern(pattern).Find(name) is not null);

    [Fact]
    public void The_date_of_one_name_is_formatted_by_another_pattern() => Assert.Equal(
        "/run/100%/2026/20-ready",
        new DatePattern("/run/100%%/%Y/%d-ready").Format(new DatePattern("auto-%Y%m%d").Find("auto-20261120")!));

    [Theory]
    [InlineData("a-%q", "%q")]
    [InlineData("a-%", "%")]
    [InlineData("a-%%%", "%")]
    [InlineData("%Y%m%D", "%D")]
    public void An_unknown_code_is_reported(string pattern, string code) =>
        Assert.Equal($"'{code}' is not a date code", DatePattern.FindProblem(pattern));

    [Theory]
    [InlineData("auto-%Y%m%d")]
    [InlineData("100%%")]
    [InlineData("")]
    [InlineData("%d%%")]
    public void A_good_pattern_has_no_problem(string pattern) => Assert.Null(DatePattern.FindProblem(pattern));

    [Theory]
    [InlineData("2026-11-20", true)]
    [InlineData("2025-11-20", false)]
    [InlineData("2026-12-20", false)]
    [InlineData("2026-11-21", false)]
    public void A_date_is_a_day_by_year_month_and_day(string name, bool isToday) => Assert.Equal(
        isToday,
        DatePattern.IsDay(
            new DatePattern("%Y-%m-%d").Find(name)!,
            new DateTimeOffset(2026, 11, 20, 23, 59, 0, TimeSpan.FromHours(-8))));
}
