using System.Globalization;
using System.Text.RegularExpressions;

namespace KvmBackup.Reporting;

/// <summary>Makes text from outside safe for a terminal, a log and a mail.</summary>
public static partial class PlainText
{
    private const int ShownOfLong = 80;

    /// <summary>
    /// One line without control characters, which could forge lines, send escape sequences or reverse text. They are
    /// printed as <c>\u009b</c>, so that names that differ in them look different; a line feed becomes a blank.
    /// </summary>
    public static string Line(string text) =>
        text.Any(IsUnsafe) ? string.Concat(text.Select(one => IsUnsafe(one) ? Show(one) : $"{one}")) : text;

    /// <summary>At most this many characters; a tilde marks the end of a shortened text.</summary>
    public static string Shorten(string text, int most) =>
        text.Length <= most ? text : most < 1 ? string.Empty : text[..(most - 1)] + '~';

    /// <summary>
    /// Shortens words that would fill the screen, such as an argument or the content of a file.
    /// </summary>
    public static string ShortenWords(string text) => LongWord().Replace(
        text, match => $"{match.Value[..ShownOfLong]}...({match.Length} characters)");

    /// <summary>Hours, minutes and seconds, without days: <c>30:05:59</c>.</summary>
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

    // Control characters, line separators and the marks that change the direction of text.
    private static bool IsUnsafe(char one) =>
        char.IsControl(one)
        || one is '\u2028' or '\u2029' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');

    // Longer than any file name.
    [GeneratedRegex(@"[^\s/]{300,}")]
    private static partial Regex LongWord();
}
