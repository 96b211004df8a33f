using System.Globalization;

namespace KvmBackup.Model.Identifiers;

/// <summary>The instant of a backup in UTC, to the second: <c>20261120T020000Z</c>. It identifies one backup of a
/// domain.</summary>
public sealed record BackupId : IComparable<BackupId>
{
    private const string Format = "yyyyMMdd'T'HHmmss'Z'";

    public BackupId(DateTimeOffset instant)
    {
        DateTimeOffset utc = instant.ToUniversalTime();
        Instant = new DateTimeOffset(utc.Year, utc.Month, utc.Day, utc.Hour, utc.Minute, utc.Second, TimeSpan.Zero);
    }

    /// <summary>UTC, whole seconds.</summary>
    public DateTimeOffset Instant { get; }

    /// <summary>The largest difference between the clocks of hosts that share a target.</summary>
    public static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(10);

    /// <summary>Whether the backup is later than the given clock: one of the two clocks is wrong.</summary>
    public bool IsInFuture(DateTimeOffset now) => Instant - now > ClockTolerance;

    public static bool TryParse(string text, out BackupId? id)
    {
        bool isValid = DateTimeOffset.TryParseExact(
            text, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset instant);
        id = isValid ? new BackupId(instant) : null;
        return isValid;
    }

    public int CompareTo(BackupId? other) => other is null ? 1 : Instant.CompareTo(other.Instant);

    public override string ToString() => Instant.ToString(Format, CultureInfo.InvariantCulture);

    public static bool operator <(BackupId left, BackupId right) => left.CompareTo(right) < 0;

    public static bool operator >(BackupId left, BackupId right) => left.CompareTo(right) > 0;

    public static bool operator <=(BackupId left, BackupId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(BackupId left, BackupId right) => left.CompareTo(right) >= 0;
}
