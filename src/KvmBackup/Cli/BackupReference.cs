using KvmBackup.Model;

namespace KvmBackup.Cli;

/// <summary>A backup as an operator types it: <c>web1</c>, <c>web1@20261120</c>.</summary>
public sealed record BackupReference(DomainName Domain, string? IdPrefix)
{
    /// <summary>
    /// A name may hold an at sign itself: only what follows the last one and could begin a timestamp is an ID.
    /// </summary>
    /// <exception cref="ModelException">There is no name.</exception>
    public static BackupReference Parse(string text)
    {
        int at = text.LastIndexOf('@');
        bool hasId = at > 0 && at < text.Length - 1 && text[(at + 1)..].All(one => char.IsAsciiDigit(one) || one is 'T' or 'Z');
        return hasId
            ? new BackupReference(new DomainName(text[..at]), text[(at + 1)..])
            : new BackupReference(new DomainName(text), null);
    }
}
