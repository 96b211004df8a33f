using System.Globalization;

namespace KvmBackup.Planning;

/// <summary>The backups that each rule of a policy keeps, with reasons. Dates are those of the IDs: UTC.</summary>
internal static class RetentionRules
{
    /// <summary>The reasons for each backup that a rule keeps.</summary>
    /// <param name="policy">The rules; without rules all are kept, because deletion requires a request.</param>
    /// <param name="now">The reference time for ages.</param>
    /// <param name="newestFirst">The backups that count.</param>
    public static ILookup<BackupId, string> FindReasons(
        RetentionPolicy policy, BackupId now, IReadOnlyList<CompletedBackup> newestFirst)
    {
        BackupId[] ids = [.. newestFirst.Select(backup => backup.Id)];
        if (Parts(policy).Length == 0)
        {
            return ids.ToLookup(id => id, _ => "no retention rule");
        }

        string newest = policy.Last == 1 ? "the newest" : $"one of the newest {policy.Last}";
        string young = $"younger than {Format(policy.Age ?? TimeSpan.Zero)}";
        IEnumerable<(BackupId Id, string Reason)> reasons =
        [
            .. ids.Take(policy.Last).Select(id => (id, newest)),
            .. NewestOfEach(ids, "day", policy.Daily, instant => Format(instant, "yyyy-MM-dd")),
            .. NewestOfEach(ids, "week", policy.Weekly, IsoWeek),
            .. NewestOfEach(ids, "month", policy.Monthly, instant => Format(instant, "yyyy-MM")),
            .. NewestOfEach(ids, "year", policy.Yearly, instant => Format(instant, "yyyy")),
            .. ids.Where(id => now.Instant - id.Instant < policy.Age).Select(id => (id, young)),
        ];
        return reasons.ToLookup(pair => pair.Id, pair => pair.Reason);
    }

    /// <summary>The rules as the end of a sentence: <c>rotate keeps 4</c>.</summary>
    public static string Describe(RetentionPolicy policy) => policy == new RetentionPolicy(policy.Last)
        ? $"rotate keeps {policy.Last}"
        : $"no rule keeps it ({string.Join(", ", Parts(policy))})";

    /// <summary>1st, 2nd, 3rd, 4th, 11th, 21st.</summary>
    public static string Ordinal(int number)
    {
        string ending = (number % 10, number % 100) switch
        {
            (_, 11 or 12 or 13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        return $"{number}{ending}";
    }

    private static IEnumerable<(BackupId Id, string Reason)> NewestOfEach(
        IEnumerable<BackupId> newestFirst, string noun, int count, Func<DateTimeOffset, string> period) =>
        newestFirst
            .GroupBy(id => period(id.Instant))
            .Take(count)
            .Select(group => (group.First(), $"newest of {noun} {group.Key}"));

    // Weeks belong to the year that holds their Thursday: 2027-01-01 lies in 2026-W53, 2025-12-29 in 2026-W01.
    private static string IsoWeek(DateTimeOffset instant) =>
        $"{ISOWeek.GetYear(instant.UtcDateTime):0000}-W{ISOWeek.GetWeekOfYear(instant.UtcDateTime):00}";

    private static string Format(DateTimeOffset instant, string format) =>
        instant.UtcDateTime.ToString(format, CultureInfo.InvariantCulture);

    private static string[] Parts(RetentionPolicy policy)
    {
        (string Name, int Count)[] counts =
        [
            ("last", policy.Last), ("daily", policy.Daily), ("weekly", policy.Weekly), ("monthly", policy.Monthly),
            ("yearly", policy.Yearly),
        ];
        return
        [
            .. counts.Where(rule => rule.Count > 0).Select(rule => $"{rule.Name} {rule.Count}"),
            .. policy.Age is { } age ? [$"age {Format(age)}"] : Array.Empty<string>(),
        ];
    }

    private static string Format(TimeSpan age)
    {
        (double Count, string Unit) best =
            age.Ticks % TimeSpan.TicksPerDay == 0 ? (age.TotalDays, "d")
            : age.Ticks % TimeSpan.TicksPerHour == 0 ? (age.TotalHours, "h")
            : age.Ticks % TimeSpan.TicksPerMinute == 0 ? (age.TotalMinutes, "m")
            : (age.TotalSeconds, "s");
        return string.Create(CultureInfo.InvariantCulture, $"{best.Count:0.###}{best.Unit}");
    }
}
