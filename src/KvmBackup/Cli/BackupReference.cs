using System.Text.RegularExpressions;

namespace KvmBackup.Cli;

/// <summary>
/// A backup as an operator types it: <c>web1</c>, <c>web1@20261120</c>, <c>web1@2026-11-20</c>, <c>web1@latest</c>, or
/// the path of its directory, pasted from a list.
/// </summary>
public sealed partial record BackupReference(DomainName Domain, string? IdPrefix)
{
    /// <summary>For the help of each command that takes one.</summary>
    public const string Usage =
        "a backup; ID is a timestamp or its beginning, a date (UTC), or latest, as without an ID";

    private const string Latest = "latest";

    /// <summary>Of a path that was given in full: the backup directory in which it lies, else null.</summary>
    public string? BackupDirectory { get; private init; }

    /// <summary>
    /// A name may hold an at sign itself: only what follows the last one and could be an ID is one.
    /// </summary>
    /// <exception cref="KvmBackupException">There is no name.</exception>
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

    /// <returns>The beginning of a directory's name; null for the newest.</returns>
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
            throw new CliException($"Of which domain is '{text}'? Type NAME@{directory.Groups["id"].Value}.");
        }

        bool isFull = folder[0] is '/' or '.';
        string full = Path.GetFullPath(folder);
        return new BackupReference(new DomainName(Uri.UnescapeDataString(Path.GetFileName(full))), PrefixOf(directory))
        {
            BackupDirectory = isFull ? Path.GetDirectoryName(full) : null,
        };
    }

    // What a merge did since may have changed the kind; an ending says that it is no backup, which is told.
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
