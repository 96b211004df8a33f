using KvmBackup.Configuration;
using KvmBackup.Journaling;
using KvmBackup.Model;
using KvmBackup.Storage;

namespace KvmBackup.Runs;

/// <summary>An image without a guest as the subject of a backup.</summary>
public sealed class ImageBackup(
    RbdImage image, ImageSelection selection, ImageLook look, BackupDirectory target, StepGate gate, TimeProvider time)
    : IBackupSubject<ImageJob>
{
    public DomainName Name { get; } = ImageIdentity.NameOf(image);

    public BackupSettings Settings => selection;

    public string Untouched => "the image is as it was";

    public Task<ImageJob> PrepareAsync(DomainDirectory directory, BackupId id, CancellationToken cancellationToken) =>
        look.PrepareAsync(image, selection, directory, target, id, cancellationToken);

    public JournalEntry Intent(ImageJob job, PendingBackup pending) =>
        JournalEntry.CreateIntent(job.Identity.Uuid, job.Name, pending.Id, pending.DirectoryPath, []) with
        {
            Images = PinnedImages.Intent(job),
        };

    public IHeldSource Hold(ImageJob job, BackupId id, OpenEntry entry, PinnedImages images) =>
        new HeldImage(job, entry, images, gate, time);
}
