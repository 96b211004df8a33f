using System.IO.Enumeration;

namespace KvmBackup.Configuration;

/// <summary>A pattern for names: <c>*</c> is any text, <c>?</c> any character. Case-sensitive.</summary>
public sealed record NamePattern(string Text)
{
    public static readonly NamePattern Any = new("*");

    /// <summary>Whether a text is a pattern, and not one name.</summary>
    public static bool IsPattern(string text) => text.AsSpan().ContainsAny('*', '?');

    public bool Matches(string name) =>
        name == Text || FileSystemName.MatchesSimpleExpression(Text, name, ignoreCase: false);

    /// <summary>Whether each name that the other pattern matches is matched by this one.</summary>
    public bool Covers(NamePattern other)
    {
        // Characters that no pattern contains are matched only by wildcards, and so many only by an asterisk.
        const char Unknown = '\uE000';
        string single = other.Text.Replace('?', Unknown);
        return Matches(single.Replace("*", string.Empty, StringComparison.Ordinal))
            && Matches(single.Replace("*", new string(Unknown, Text.Length + 1), StringComparison.Ordinal));
    }

    public override string ToString() => Text;
}
