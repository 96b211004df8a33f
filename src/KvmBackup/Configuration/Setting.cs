using System.Globalization;

namespace KvmBackup.Configuration;

/// <summary>
/// One key with its value and the methods that convert it. An invalid value is reported as an error and converted to a
/// placeholder, which is never used: a file with an error yields no settings.
/// </summary>
internal sealed record Setting(string Key, int KeyLine, ConfigurationNode Node, ConfigurationErrors Errors)
{
    // TimeSpan ends at about 29,000 years; a hundred years is a sufficient limit.
    private static readonly TimeSpan MaximumDuration = TimeSpan.FromDays(36_500);

    private static readonly Dictionary<string, TimeSpan> Units = new(StringComparer.Ordinal)
    {
        ["s"] = TimeSpan.FromSeconds(1),
        ["m"] = TimeSpan.FromMinutes(1),
        ["h"] = TimeSpan.FromHours(1),
        ["d"] = TimeSpan.FromDays(1),
        ["w"] = TimeSpan.FromDays(7),
    };

    /// <summary>The last part of the key: in <c>domains</c>, the domain's name.</summary>
    public required string Name { get; init; }

    public int Line => Node is TextNode ? Node.Line : KeyLine;

    public bool IsNull => Node is TextNode { IsNull: true };

    public void Report(string problem, string hint) => Errors.Add(Line, Key, problem, hint);

    /// <summary>Reports an error of the key itself, or of a missing key below it.</summary>
    public void ReportAtKey(string problem, string hint) => Errors.Add(KeyLine, Key, problem, hint);

    /// <param name="expected">A valid value, for the message: <c>a whole number</c>.</param>
    /// <returns>Null for an error, which is reported.</returns>
    public string? Text(string expected)
    {
        if (Node is TextNode { IsNull: false } text)
        {
            return text.Text.Trim();
        }

        string problem = IsNull ? "has no value" : $"is {Node.Noun}";
        Report(problem, $"give {expected}");
        return null;
    }

    public int Number(int lowest, int highest)
    {
        string expected = $"a whole number from {lowest} to {highest}";
        if (Text(expected) is not { } text)
        {
            return lowest;
        }

        bool isNumber = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number);
        if (isNumber && number >= lowest && number <= highest)
        {
            return number;
        }

        Report($"'{text}' is not {expected}", number < lowest && isNumber ? $"the lowest is {lowest}" : "give one");
        return lowest;
    }

    /// <summary>A share, <c>10%</c>, from 0% to 200%.</summary>
    /// <returns>0.1 for 10%.</returns>
    public double Share()
    {
        const string Expected = "a whole number of percent from 0% to 200%";
        if (Text(Expected) is not { } text)
        {
            return 0;
        }

        bool isNumber = int.TryParse(
            text.TrimEnd('%'), NumberStyles.None, CultureInfo.InvariantCulture, out int percent);
        if (!isNumber || percent > 200 || !text.EndsWith('%'))
        {
            Report($"'{text}' is not {Expected}", "give one, such as 10%");
        }

        return percent / 100.0;
    }

    public bool Flag()
    {
        if (Text("yes or no") is not { } text)
        {
            return false;
        }

        switch (text.ToUpperInvariant())
        {
            case "TRUE" or "YES" or "ON":
                return true;
            case "FALSE" or "NO" or "OFF":
                return false;
            default:
                Report($"'{text}' is neither yes nor no", "give true or false");
                return false;
        }
    }

    public TimeSpan Duration()
    {
        const string Example = "a number with a unit, such as 30s, 10m, 8h, 7d or 4w";
        string text = Text(Example) ?? "1s";
        string digits = string.Concat(text.TakeWhile(char.IsAsciiDigit));
        string unit = text[digits.Length..].Trim();
        if (!double.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out double count))
        {
            Report($"'{text}' is not a duration", $"give {Example}");
        }
        else if (!Units.TryGetValue(unit, out TimeSpan unitLength))
        {
            string problem = unit.Length == 0 ? $"'{text}' has no unit" : $"unknown unit '{unit}'";
            Report(problem, "units are s (seconds), m (minutes), h (hours), d (days) and w (weeks)");
        }
        else if (count == 0 || count * unitLength.TotalSeconds > MaximumDuration.TotalSeconds)
        {
            Report($"'{text}' is out of range", "give more than 0 and at most 36500d");
        }
        else
        {
            return count * unitLength;
        }

        return TimeSpan.FromSeconds(1);
    }

    public string AbsolutePath()
    {
        string text = Text("an absolute path") ?? "/";
        if (!text.StartsWith('/') || text.Any(char.IsControl))
        {
            Report($"'{text}' is not an absolute path", "start it with '/'");
            return "/";
        }

        return Path.TrimEndingDirectorySeparator(Path.GetFullPath(text));
    }

    /// <summary>The items of a list; a single value is a list with one item.</summary>
    public IReadOnlyList<Setting> Items(string expected)
    {
        switch (Node)
        {
            case ListNode list:
                return [.. list.Items.Select(item => this with { KeyLine = item.Line, Node = item })];
            case TextNode { IsNull: false }:
                return [this];
            default:
                _ = Text(expected);
                return [];
        }
    }

    /// <summary>The keys below this one; a repeated key is an error.</summary>
    public IReadOnlyList<Setting> Children(string expected)
    {
        if (Node is not MapNode map)
        {
            string problem = IsNull ? "has no value" : $"is {Node.Noun}";
            Report(problem, $"give {expected}");
            return [];
        }

        foreach (MapEntry entry in map.Repeated)
        {
            int first = map.Entries.First(known => known.Key.Text == entry.Key.Text).Key.Line;
            Errors.Add(
                entry.Key.Line, ChildKey(entry), $"repeated key, the first is on line {first}", "keep one");
        }

        return
        [
            .. map.Entries.Select(entry => new Setting(ChildKey(entry), entry.Key.Line, entry.Value, Errors)
            {
                Name = entry.Key.Text,
            }),
        ];
    }

    private string ChildKey(MapEntry entry) => Key.Length == 0 ? entry.Key.Text : $"{Key}.{entry.Key.Text}";
}
