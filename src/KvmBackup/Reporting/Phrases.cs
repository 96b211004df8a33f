using System.Globalization;
using KvmBackup.Model;

namespace KvmBackup.Reporting;

/// <summary>How times and deeds are put into words.</summary>
internal static class Phrases
{
    public static string Age(TimeSpan age) =>
        age.TotalDays >= 2 ? string.Create(CultureInfo.InvariantCulture, $"{age.TotalDays:0} d")
        : age.TotalHours >= 2 ? string.Create(CultureInfo.InvariantCulture, $"{age.TotalHours:0} h")
        : string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, age.TotalMinutes):0} min");

    public static string Seconds(TimeSpan time) => time.TotalSeconds < 100
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s")
        : PlainText.Duration(time.TotalSeconds);

    public static string Time(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static string Merged(CompletedBackup backup) =>
        $"{backup.Id}: now a full backup, merged from {string.Join(", ", backup.Manifest.MergedFrom.SkipLast(1))} and what changed since";
}
