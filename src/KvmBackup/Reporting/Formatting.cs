using System.Globalization;

namespace KvmBackup.Reporting;

/// <summary>Text for times, sizes and results.</summary>
internal static class Formatting
{
    public static string Age(TimeSpan age) =>
        age.TotalDays >= 2 ? string.Create(CultureInfo.InvariantCulture, $"{age.TotalDays:0} d")
        : age.TotalHours >= 2 ? string.Create(CultureInfo.InvariantCulture, $"{age.TotalHours:0} h")
        : string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, age.TotalMinutes):0} min");

    /// <summary>The lost and the unverified ranges of a salvaged file.</summary>
    public static IEnumerable<string> Doubts(SalvagedFile file) =>
    [
        .. file.Missing.Select(run => $"lost: {run.LengthBytes} bytes from byte {run.OffsetBytes}"),
        .. file.Unproven.Select(run =>
            $"may be wrong: {run.LengthBytes} bytes from byte {run.OffsetBytes}, read from a damaged place"),
    ];

    public static string State(CompletedBackup backup)
    {
        string?[] words = [backup.IsProtected ? "protected" : null, backup.Flaws.Count > 0 ? "damaged" : null];
        return string.Join(", ", words.OfType<string>());
    }

    public static string Seconds(TimeSpan time) => time.TotalSeconds < 100
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s")
        : PlainText.Duration(time.TotalSeconds);

    public static string Time(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The kind of a backup and the backups that it depends on.</summary>
    public static string Kind(Manifest manifest)
    {
        string[] bases = [.. manifest.Bases.Select(id => $"{id}")];
        string kind = manifest.Kind.ToString().ToLowerInvariant();
        return bases.Length > 0 ? $"{kind} on {string.Join(", ", bases)}" : kind;
    }

    /// <summary>The result of verifying a backup without damage.</summary>
    public static string Verified(VerifyDepth depth, long contentBytes, long archiveBytes) =>
        depth.Unpacks ? $"no damage: all of the archive was read, {ByteSize.Format(contentBytes)} of content,"
        : depth.Share >= 1 ? $"the checksums of the archive are correct, {ByteSize.Format(archiveBytes)}, not unpacked,"
        : string.Create(CultureInfo.InvariantCulture, $"no damage in a sample of {depth.Share:0.###%} of the archive,");

    public static string Salvaged(SalvagedFile file) => file switch
    {
        { IsIntact: true } => $"complete, {ByteSize.Format(file.SizeBytes)}",
        { Missing.Count: 0, Unproven.Count: > 0 } =>
            "NOT VERIFIED: parts were read from damaged places and may be wrong",
        { Missing.Count: 0 } => "NOT VERIFIED: all of it was read, but its checksum is not that of the source",
        _ => $"INCOMPLETE: {ByteSize.Format(file.Missing.Sum(run => run.LengthBytes))} of "
            + $"{ByteSize.Format(file.SizeBytes)} are lost and replaced by zeros",
    };

    public static string Merged(CompletedBackup backup)
    {
        string others = string.Join(", ", backup.Manifest.MergedFrom.SkipLast(1));
        return $"{backup.Id}: merged with {others} into a full backup";
    }
}
