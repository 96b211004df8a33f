using KvmBackup.Configuration;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;

namespace KvmBackup.Runs.Images;

/// <summary>All that is known and decided about one image without a guest before anything is changed.</summary>
/// <param name="Selection">What the configuration wants.</param>
/// <param name="Identity">The name and UUID of its backups.</param>
/// <param name="Disk">The image as a disk.</param>
/// <param name="Warnings">What an operator should know.</param>
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
