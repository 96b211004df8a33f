using System.Globalization;

namespace KvmBackup.Reporting;

/// <summary>How times and deeds are put into words.</summary>
internal static class Formatting
{
    public static string Age(TimeSpan age) =>
        age.TotalDays >= 2 ? string.Create(CultureInfo.InvariantCulture, $"{age.TotalDays:0} d")
        : age.TotalHours >= 2 ? string.Create(CultureInfo.InvariantCulture, $"{age.TotalHours:0} h")
        : string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, age.TotalMinutes):0} min");

    /// <summary>What of a salvaged file is lost, and what may be wrong.</summary>
    public static IEnumerable<string> Doubts(SalvagedFile file) =>
    [
        .. file.Missing.Select(run => $"lost: {run.LengthBytes} bytes from byte {run.OffsetBytes} on"),
        .. file.Unproven.Select(run => $"may be wrong: {run.LengthBytes} bytes from byte {run.OffsetBytes} on, out of a damaged place"),
    ];

    public static string State(CompletedBackup backup) => string.Join(
        ", ", new[] { backup.IsProtected ? "protected" : null, backup.Flaws.Count > 0 ? "damaged" : null }.OfType<string>());

    public static string Seconds(TimeSpan time) => time.TotalSeconds < 100
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s")
        : PlainText.Duration(time.TotalSeconds);

    public static string Time(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The kind of a backup, and what it cannot be restored without.</summary>
    public static string Kind(Manifest manifest)
    {
        string[] bases = [.. manifest.Bases.Select(id => $"{id}")];
        return manifest.Kind.ToString().ToLowerInvariant() + (bases.Length > 0 ? $" on {string.Join(", ", bases)}" : string.Empty);
    }

    /// <summary>What a backup without damage has proven.</summary>
    public static string Verified(VerifyDepth depth, long contentBytes, long archiveBytes) =>
        depth.Unpacks ? $"whole: every byte read, {ByteSize.Format(contentBytes)} of content"
        : depth.Share >= 1 ? $"every byte of its archive is as it was written, {ByteSize.Format(archiveBytes)}, read and not unpacked"
        : string.Create(CultureInfo.InvariantCulture, $"no damage in a sample of {depth.Share:0.###%} of its archive; the rest was not read,");

    public static string Salvaged(SalvagedFile file) => file switch
    {
        { IsWhole: true } => $"whole, {ByteSize.Format(file.SizeBytes)}",
        { Missing.Count: 0, Unproven.Count: > 0 } => "NOT PROVEN: parts of it come out of damaged places and may be wrong",
        { Missing.Count: 0 } => "NOT PROVEN: all of it could be read, but it is not what was read from its source",
        _ => $"NOT WHOLE: {ByteSize.Format(file.Missing.Sum(run => run.LengthBytes))} of {ByteSize.Format(file.SizeBytes)} are lost; "
            + "zeros stand in their place",
    };

    public static string Merged(CompletedBackup backup) =>
        $"{backup.Id}: now a full backup, merged from {string.Join(", ", backup.Manifest.MergedFrom.SkipLast(1))} and what changed since";
}
