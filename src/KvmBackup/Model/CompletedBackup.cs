namespace KvmBackup.Model;

/// <summary>A backup that was published whole: the proof that retention asks for. Only Storage makes one.</summary>
/// <param name="DirectoryPath">Where it lies.</param>
/// <param name="Manifest">What it holds.</param>
/// <param name="IsProtected">An operator marked it: no retention touches it.</param>
public sealed record CompletedBackup(string DirectoryPath, Manifest Manifest, bool IsProtected)
{
    public BackupId Id => Manifest.Id;

    public DomainName Domain => Manifest.Domain;
}
