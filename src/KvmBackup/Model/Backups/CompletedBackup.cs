namespace KvmBackup.Model.Backups;

/// <summary>A published, complete backup: the proof that retention requires. Created by Storage only.</summary>
/// <param name="DirectoryPath">Its directory.</param>
/// <param name="Manifest">Its manifest.</param>
/// <param name="IsProtected">An operator marked it: retention never removes it.</param>
public sealed record CompletedBackup(string DirectoryPath, Manifest Manifest, bool IsProtected)
{
    /// <summary>
    /// Damage to its auxiliary files, as names and sizes show. A restore does not require these files.
    /// </summary>
    public IReadOnlyList<string> Flaws { get; init; } = [];

    public BackupId Id => Manifest.Id;

    /// <summary>
    /// The name of its folder in the backup directory, as an operator types it. The manifest has the guest's name at
    /// the
    /// time of the backup, which differs after the folder was renamed.
    /// </summary>
    public DomainName Domain { get; init; } = Manifest.Domain;
}
