using System.IO.Enumeration;

namespace KvmBackup.Configuration;

/// <summary>A pattern for names: <c>*</c> is any text, <c>?</c> any character. Case-sensitive.</summary>
public sealed record NamePattern(string Text)
{
    public static readonly NamePattern Any = new("*");

    public bool Matches(string name) => FileSystemName.MatchesSimpleExpression(Text, name, ignoreCase: false);

    public override string ToString() => Text;
}
