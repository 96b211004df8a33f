using KvmBackup.Model;

namespace KvmBackup.Storage;

/// <summary>All that lies in a domain's directory.</summary>
/// <param name="Backups">The whole ones, the newest first.</param>
/// <param name="Unusable">The rest, by name.</param>
public sealed record BackupCatalogue(
    IReadOnlyList<CompletedBackup> Backups, IReadOnlyList<UnusableEntry> Unusable);
