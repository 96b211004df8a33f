namespace KvmBackup.Configuration;

/// <summary>Keywords of the configuration and their lists in messages.</summary>
internal static class Words
{
    /// <summary><c>a, b and c</c>.</summary>
    public static string List(IEnumerable<string> words)
    {
        string[] all = [.. words];
        return all.Length < 2 ? string.Concat(all) : $"{string.Join(", ", all[..^1])} and {all[^1]}";
    }

    /// <summary>The value of a keyword, case-insensitive. An unknown keyword is reported with the list of
    /// keywords.</summary>
    /// <param name="setting">The setting with the keyword.</param>
    /// <param name="noun">The kind of keyword: <c>codec</c>.</param>
    /// <param name="values">The keywords; the first is the placeholder for an error.</param>
    public static T Choose<T>(Setting setting, string noun, params IReadOnlyList<(string Word, T Value)> values)
    {
        string choice = $"{noun}s are {List(values.Select(value => value.Word))}";
        if (setting.Text($"a {noun}: {choice}") is not { } text)
        {
            return values[0].Value;
        }

        foreach ((string word, T value) in values)
        {
            if (word.Equals(text, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        setting.Report($"unknown {noun} '{text}'", choice);
        return values[0].Value;
    }
}
