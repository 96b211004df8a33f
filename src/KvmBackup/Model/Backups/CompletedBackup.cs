namespace KvmBackup.Model.Backups;

/// <summary>A backup that was published whole: the proof that retention asks for. Only Storage makes one.</summary>
/// <param name="DirectoryPath">Where it lies.</param>
/// <param name="Manifest">What it holds.</param>
/// <param name="IsProtected">An operator marked it: no retention touches it.</param>
public sealed record CompletedBackup(string DirectoryPath, Manifest Manifest, bool IsProtected)
{
    /// <summary>Files of it that are not as they were written, as their names and sizes show: it can be restored without them.</summary>
    public IReadOnlyList<string> Flaws { get; init; } = [];

    public BackupId Id => Manifest.Id;

    /// <summary>
    /// The name under which it lies in the backup directory: what an operator types. The guest's own name at that time,
    /// which is another one when the folder was renamed, is in the manifest.
    /// </summary>
    public DomainName Domain { get; init; } = Manifest.Domain;
}
