using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace KvmBackup.Configuration;

/// <summary>A name with a date in it, in the syntax of <c>date</c>: <c>auto-%Y%m%d</c>.</summary>
public sealed record DatePattern
{
    private static readonly Dictionary<char, (string Format, int Digits)> Known = new()
    {
        ['Y'] = ("yyyy", 4),
        ['m'] = ("MM", 2),
        ['d'] = ("dd", 2),
        ['H'] = ("HH", 2),
        ['M'] = ("mm", 2),
        ['S'] = ("ss", 2),
    };

    private readonly Regex matcher;

    /// <param name="text">A pattern for which <see cref="FindProblem"/> returns null.</param>
    public DatePattern(string text)
    {
        Text = text;
        matcher = new Regex($@"\A{Translate(text, Regex.Escape, Group)}\z", RegexOptions.CultureInvariant);
    }

    public string Text { get; }

    /// <summary>The codes in the pattern: <c>Y</c>, <c>m</c> and so on.</summary>
    public IReadOnlySet<char> Codes => matcher.GetGroupNames().Where(name => char.IsAsciiLetter(name[0]))
        .Select(name => name[0]).ToHashSet();

    /// <returns>The error in a pattern; null when it is valid.</returns>
    public static string? FindProblem(string text)
    {
        for (int index = text.IndexOf('%', StringComparison.Ordinal); index >= 0; index = text.IndexOf('%', index + 2))
        {
            if (index + 1 == text.Length || (text[index + 1] != '%' && !Known.ContainsKey(text[index + 1])))
            {
                return $"'{text[index..Math.Min(index + 2, text.Length)]}' is not a date code";
            }

            if (index + 2 >= text.Length)
            {
                break;
            }
        }

        return null;
    }

    /// <summary>The date in a name, by its codes; null when the name does not match.</summary>
    public IReadOnlyDictionary<char, string>? Find(string name) =>
        matcher.Match(name) is { Success: true } match
            ? Codes.ToDictionary(code => code, code => match.Groups[$"{code}"].Value) : null;

    /// <summary>The name for a date.</summary>
    /// <param name="date">A value for each code of the pattern.</param>
    public string Format(IReadOnlyDictionary<char, string> date) =>
        Translate(Text, text => text, (code, _) => date[code]);

    /// <summary>Whether a date of <see cref="Find"/> is the given day, as far as its codes specify.</summary>
    public static bool IsDay(IReadOnlyDictionary<char, string> date, DateTimeOffset day) => "Ymd".All(
        code => date.TryGetValue(code, out string? digits)
            && digits == day.ToString(Known[code].Format, CultureInfo.InvariantCulture));

    public bool Equals(DatePattern? other) => other?.Text == Text;

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Text;

    private static string Group(char code, bool isFirst) =>
        isFirst ? $"(?<{code}>[0-9]{{{Known[code].Digits}}})" : $@"\k<{code}>";

    private static string Translate(string text, Func<string, string> plain, Func<char, bool, string> code)
    {
        StringBuilder translated = new();
        HashSet<char> seen = [];
        for (int index = 0; index < text.Length; index++)
        {
            _ = text[index] != '%' ? translated.Append(plain($"{text[index]}"))
                : text[++index] == '%' ? translated.Append('%')
                : translated.Append(code(text[index], seen.Add(text[index])));
        }

        return translated.ToString();
    }
}
