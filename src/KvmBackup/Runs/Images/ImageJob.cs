using KvmBackup.Configuration;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;

namespace KvmBackup.Runs.Images;

/// <summary>The facts and decisions about one image without a guest before anything is changed.</summary>
/// <param name="Selection">The configuration.</param>
/// <param name="Identity">The name and UUID of its backups.</param>
/// <param name="Disk">The image as a disk.</param>
/// <param name="Warnings">Warnings for the operator.</param>
public sealed record ImageJob(
    ImageSelection Selection, DomainIdentity Identity, BackupDisk Disk, IReadOnlyList<string> Warnings)
    : BackupJob([Disk], [], Disk.Image!.DataBytes, Warnings)
{
    public override DomainIdentity Identity { get; } = Identity;

    public override BackupSettings Terms => Selection;

    public override QuiesceMode Quiesce => QuiesceMode.Off;

    public override IReadOnlyList<AuxiliaryFile> Files => [];

    public BackupImage Image => Disk.Image!;

    public override IReadOnlyList<(string Name, string Text)> Texts(BackupId id, string hostName, string archiveName) =>
        [("RESTORE.md", ImageGuide.Write(Name, id, hostName, archiveName, Disk))];
}
