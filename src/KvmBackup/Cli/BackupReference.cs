using System.Text.RegularExpressions;

namespace KvmBackup.Cli;

/// <summary>
/// A backup on the command line: <c>web1</c>, <c>web1@20261120</c>, <c>web1@2026-11-20</c>, <c>web1@latest</c>, or the
/// path of its directory.
/// </summary>
public sealed partial record BackupReference(DomainName Domain, string? IdPrefix)
{
    /// <summary>The description for the help of commands.</summary>
    public const string Usage =
        "a backup; ID is a timestamp or its beginning, a date in UTC, or latest (the default)";

    private const string Latest = "latest";

    /// <summary>The backup directory of a full path; null for a name.</summary>
    public string? BackupDirectory { get; private init; }

    /// <summary>
    /// Parses a reference. A name may contain an at sign: an ID follows the last one and has the form of an ID.
    /// </summary>
    /// <exception cref="KvmBackupException">The name is empty.</exception>
    public static BackupReference Parse(string text)
    {
        if (ParsePath(text) is { } pasted)
        {
            return pasted;
        }

        int at = text.LastIndexOf('@');
        return at > 0 && ParseId(text[(at + 1)..]) is { IsId: true } id
            ? new BackupReference(new DomainName(text[..at]), id.Prefix)
            : new BackupReference(new DomainName(text), null);
    }

    /// <returns>The beginning of the name of a directory; null for the newest.</returns>
    private static (bool IsId, string? Prefix) ParseId(string text)
    {
        string id = text.TrimEnd('/');
        return id.Equals(Latest, StringComparison.OrdinalIgnoreCase) ? (true, null)
            : Directory().Match(id) is { Success: true } directory ? (true, PrefixOf(directory))
            : Timestamp().IsMatch(id) ? (true, id.ToUpperInvariant())
            : Date().IsMatch(id) ? (true, Separators().Replace(id.ToUpperInvariant().Replace(' ', 'T'), string.Empty))
            : (false, null);
    }

    private static BackupReference? ParsePath(string text)
    {
        string path = text.TrimEnd('/');
        int slash = path.LastIndexOf('/');
        if (Directory().Match(path[(slash + 1)..]) is not { Success: true } directory)
        {
            return null;
        }

        string folder = path[..Math.Max(slash, 0)];
        if (folder is "" or "." or "..")
        {
            throw new CliException($"'{text}' names no domain. Type NAME@{directory.Groups["id"].Value}.");
        }

        bool isFull = folder[0] is '/' or '.';
        string full = Path.GetFullPath(folder);
        return new BackupReference(new DomainName(Uri.UnescapeDataString(Path.GetFileName(full))), PrefixOf(directory))
        {
            BackupDirectory = isFull ? Path.GetDirectoryName(full) : null,
        };
    }

    // A merge may have changed the kind. An ending is kept, so that the search reports an unfinished backup.
    private static string PrefixOf(Match directory) =>
        directory.Groups["ending"].Length > 0 ? directory.Value : directory.Groups["id"].Value;

    [GeneratedRegex(
        @"^(?<id>\d{8}T\d{6}Z)-(full|incr|diff)(?<ending>\.partial|\.deleting)?$", RegexOptions.ExplicitCapture)]
    private static partial Regex Directory();

    [GeneratedRegex(@"^\d[\dTtZz]*$")]
    private static partial Regex Timestamp();

    [GeneratedRegex(@"^\d{4}-\d{2}(-\d{2}([Tt ]\d{2}(:?\d{2}(:?\d{2}[Zz]?)?)?)?)?$")]
    private static partial Regex Date();

    [GeneratedRegex(@"[-:]")]
    private static partial Regex Separators();
}
