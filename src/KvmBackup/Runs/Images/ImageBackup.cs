using KvmBackup.Configuration;
using KvmBackup.Journaling;
using KvmBackup.Runs.Capture;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Images;

/// <summary>An image without a guest as the subject of a backup, or of a comparison with one.</summary>
/// <param name="image">The image.</param>
/// <param name="selection">The configuration.</param>
/// <param name="inspection">Inspects the image.</param>
/// <param name="target">The backup directory, which must have enough free space; null when nothing is written.</param>
/// <param name="faults">Receives every step.</param>
/// <param name="time">The clock.</param>
public sealed class ImageBackup(
    RbdImage image, ImageSelection selection, ImageInspection inspection, BackupDirectory? target,
    FaultInjection faults, TimeProvider time) : IBackupSubject
{
    public DomainName Name { get; } = ImageIdentity.NameOf(image);

    public BackupSettings Settings => selection;

    public string UnchangedClause => "the image is as it was";

    public async Task<CapturePlan> PrepareAsync(
        BackupCatalogue existing, BackupId id, CancellationToken cancellationToken)
    {
        ImageJob job = await inspection.PrepareAsync(image, selection, existing, target, id, cancellationToken);
        JournalEntry Intent(string path) => JournalEntry.CreateIntent(job.Identity.Uuid, job.Name, id, path, []) with
        {
            Images = RbdCapture.Intent(job),
        };
        return new CapturePlan(job, Intent, (entry, images) => new ImageCapture(job, entry, images, faults, time));
    }
}
