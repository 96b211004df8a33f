using System.Text.RegularExpressions;

namespace KvmBackup.Tests.Architecture;

/// <summary>Finds words outside the glossary in identifiers and texts.</summary>
public static partial class ForbiddenWords
{
    /// <summary>Words that are neither part of an identifier nor in a text, in lower case.</summary>
    private static readonly string[] Words =
    [
        "mend", "mends", "mended", "anew", "deed", "deeds", "fate", "fates", "owed", "sacred", "house", "room", "rooms",
        "told", "tell", "tells", "believed", "believes", "befall", "befalls", "befell", "whoever", "somebody",
        "meanwhile", "courtesy", "patience", "tally", "census", "twins", "doomed",
    ];

    /// <summary>Phrases that are not in a text, as regular expressions.</summary>
    private static readonly string[] Phrases =
    [
        @"st(?:and|ands|ood|anding)\s+on", @"st(?:and|ands|ood|anding)\s+by", @"lets?\s+go", @"gives?\s+up",
        @"speaks?\s+(?:against|of)", @"looks?\s+(?:at|into)", @"says?", @"said", @"knows?", @"wants?",
        @"needs\s+a\s+person", @"a\s+person\s+(?:must|types)",
    ];

    /// <summary>Uses that are allowed, by the path of the file below its project, with the reason.</summary>
    public static readonly IReadOnlyList<(string FilePath, string Word, string Reason)> Exceptions =
    [
        ("Journaling/PendingSnapshotDeletions.cs", "owed", "the name of the folder in existing state directories"),
    ];

    private static readonly Regex Text = new(
        $@"\b(?:{string.Join('|', Words.Concat(Phrases))})\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    /// <summary>The forbidden words in identifiers, whose words are separated by case or underscore.</summary>
    /// <param name="code">Code without comments and literals.</param>
    public static IEnumerable<string> InIdentifiers(string code) => Identifiers().Matches(code)
        .SelectMany(identifier => IdentifierWords().Matches(identifier.Value))
        .Select(word => word.Value.ToLowerInvariant()).Where(Words.Contains).Distinct();

    /// <summary>The forbidden words and phrases in a source file, comments and literals included.</summary>
    public static IEnumerable<string> InText(string text) => Text.Matches(text)
        .Select(match => Blanks().Replace(match.Value, " ").ToLowerInvariant()).Distinct();

    [GeneratedRegex(@"[A-Za-z_][A-Za-z0-9_]*")]
    private static partial Regex Identifiers();

    [GeneratedRegex("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")]
    private static partial Regex IdentifierWords();

    // A phrase may continue on the next line of a comment.
    [GeneratedRegex(@"[\s/]+")]
    private static partial Regex Blanks();
}
