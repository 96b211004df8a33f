namespace KvmBackup.Configuration;

/// <summary>Words that stand for values, and how a message lists them.</summary>
internal static class Words
{
    /// <summary><c>a, b and c</c>.</summary>
    public static string List(IEnumerable<string> words)
    {
        string[] all = [.. words];
        return all.Length < 2 ? string.Concat(all) : $"{string.Join(", ", all[..^1])} and {all[^1]}";
    }

    /// <summary>The value that a word stands for, in any case; a mistake that lists the words otherwise.</summary>
    /// <param name="setting">Holds the word.</param>
    /// <param name="noun">What the words are: <c>codec</c>.</param>
    /// <param name="values">The words; the first is the placeholder for a mistake.</param>
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
