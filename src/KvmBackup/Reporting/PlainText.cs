using System.Globalization;
using System.Text.RegularExpressions;

namespace KvmBackup.Reporting;

/// <summary>Text from outside, made harmless for a terminal, a log and a mail.</summary>
public static partial class PlainText
{
    private const int ShownOfLong = 80;

    /// <summary>
    /// One line without control characters: no forged lines, no escape sequences, no text turned round. They are shown as
    /// <c>\u009b</c>, so that two names which differ in them look different; a line feed becomes a blank.
    /// </summary>
    public static string Line(string text) =>
        text.Any(IsUnsafe) ? string.Concat(text.Select(one => IsUnsafe(one) ? Show(one) : $"{one}")) : text;

    /// <summary>At most so many characters, the last of which then tells that there were more.</summary>
    public static string Shorten(string text, int most) =>
        text.Length <= most ? text : most < 1 ? string.Empty : text[..(most - 1)] + '~';

    /// <summary>
    /// The same text without words that fill the screen, which nobody can read: what was typed, or found in a file.
    /// </summary>
    public static string ShortenWords(string text) => LongWord().Replace(
        text, match => $"{match.Value[..ShownOfLong]}...({match.Length} characters)");

    /// <summary>Hours, minutes and seconds, however many hours: <c>30:05:59</c>.</summary>
    public static string Duration(double seconds)
    {
        long whole = (long)Math.Clamp(seconds, 0, TimeSpan.MaxValue.TotalSeconds);
        return string.Create(CultureInfo.InvariantCulture, $"{whole / 3600}:{whole / 60 % 60:00}:{whole % 60:00}");
    }

    private static string Show(char one) => one switch
    {
        '\n' => " ",
        '\t' => @"\t",
        '\r' => @"\r",
        _ => string.Create(CultureInfo.InvariantCulture, $@"\u{(int)one:x4}"),
    };

    // Besides control characters, line separators and the marks that change the direction of writing.
    private static bool IsUnsafe(char one) =>
        char.IsControl(one) || one is '\u2028' or '\u2029' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');

    // Longer than any file name can be.
    [GeneratedRegex(@"[^\s/]{300,}")]
    private static partial Regex LongWord();
}
