using KvmBackup.Configuration;
using KvmBackup.Journaling;
using KvmBackup.Runs.Capture;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Images;

/// <summary>An image without a guest as the subject of a backup, or of a comparison with one.</summary>
/// <param name="image">Which.</param>
/// <param name="selection">What the configuration wants.</param>
/// <param name="look">Looks at it.</param>
/// <param name="target">Must have room; null when nothing is going to be written.</param>
/// <param name="gate">Every step passes it.</param>
/// <param name="time">The clock.</param>
public sealed class ImageBackup(
    RbdImage image, ImageSelection selection, ImageInspection look, BackupDirectory? target, FaultInjection gate, TimeProvider time)
    : IBackupSubject<ImageJob>
{
    public DomainName Name { get; } = ImageIdentity.NameOf(image);

    public BackupSettings Settings => selection;

    public string Untouched => "the image is as it was";

    public Task<ImageJob> PrepareAsync(DomainDirectory directory, BackupId id, CancellationToken cancellationToken) =>
        look.PrepareAsync(image, selection, directory, target, id, cancellationToken);

    public JournalEntry Intent(ImageJob job, BackupId id, string directoryPath) =>
        JournalEntry.CreateIntent(job.Identity.Uuid, job.Name, id, directoryPath, []) with
        {
            Images = RbdCapture.Intent(job),
        };

    public ICapture Hold(ImageJob job, BackupId id, OpenEntry entry, RbdCapture images) =>
        new ImageCapture(job, entry, images, gate, time);
}
