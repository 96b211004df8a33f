using System.Globalization;

namespace KvmBackup.Configuration;

/// <summary>Reads the limits on the host's resources.</summary>
internal static class LimitsReader
{
    public const string Key = "limits";

    private const string Unlimited = "none";
    private const string PerSecond = "/s";
    private const long LowestRate = 64 << 10;
    private const long HighestRate = 1L << 40;
    private const int HighestNice = 19;

    private static readonly (string Word, long Bytes)[] Units =
    [
        ("MiB", 1 << 20), ("KiB", 1 << 10), ("GiB", 1 << 30), ("MB", 1_000_000), ("KB", 1_000), ("GB", 1_000_000_000),
    ];

    public static ResourceLimits Read(Setting setting)
    {
        Section section = Section.Open(setting, "bandwidth", "nice", "ionice");
        return new ResourceLimits(
            section.Find("bandwidth") is { } bandwidth ? ReadRate(bandwidth) : null,
            section.Find("nice")?.Number(0, HighestNice),
            section.Find("ionice") is { } io ? ReadIo(io) : null);
    }

    private static IoPriority ReadIo(Setting setting) => Words.Choose(
        setting, "word", ("none", IoPriority.None), ("best-effort", IoPriority.BestEffort), ("idle", IoPriority.Idle));

    private static long ReadRate(Setting setting)
    {
        const string Example = "bytes per second with a unit, such as 100 MiB/s, or none";
        if (setting.Text(Example) is not { } text || text.Equals(Unlimited, StringComparison.OrdinalIgnoreCase))
        {
            return 0;
        }

        string digits = string.Concat(text.TakeWhile(character => char.IsAsciiDigit(character) || character == '.'));
        string unit = text[digits.Length..].Trim();
        string word = unit.EndsWith(PerSecond, StringComparison.Ordinal) ? unit[..^PerSecond.Length].TrimEnd() : unit;
        long unitBytes = Units
            .FirstOrDefault(known => known.Word.Equals(word, StringComparison.OrdinalIgnoreCase)).Bytes;
        if (!double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count))
        {
            setting.Report($"'{text}' is not a bandwidth", $"give {Example}");
        }
        else if (unitBytes == 0)
        {
            setting.Report(
                unit.Length == 0 ? $"'{text}' has no unit" : $"unknown unit '{unit}'",
                NearestUnit(word) is { } nearest
                    ? $"did you mean '{digits} {nearest}{PerSecond}'? Units are {UnitNames}"
                    : $"units are {UnitNames}");
        }
        else if (count * unitBytes is < LowestRate or > HighestRate)
        {
            setting.Report($"'{text}' is out of range", "give at least 64 KiB/s and at most 1024 GiB/s, or none");
        }
        else
        {
            return (long)(count * unitBytes);
        }

        return LowestRate;
    }

    private static string UnitNames => $"{Words.List(Units.Select(known => known.Word + PerSecond))}: bytes, not bits";

    // A single letter, 'M', usually means mebibytes.
    private static string? NearestUnit(string word) => word.Length == 1
        ? Units.FirstOrDefault(known => known.Word.StartsWith(word, StringComparison.OrdinalIgnoreCase)).Word
        : NearestName.Find(word, Units.Select(known => known.Word));
}
