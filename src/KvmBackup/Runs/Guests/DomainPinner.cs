using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs.Capture;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>Writes down what a pin is going to change, and begins it.</summary>
public sealed class DomainPinner(
    GuestFreeze freeze, OverlaySnapshot snapshot, OverlayRelease release, FaultInjection gate, ILogger log)
{
    /// <summary>The journal's entry for a job: all that an undo requires, before anything changes.</summary>
    public static JournalEntry Intent(DomainJob job, BackupId id, string directoryPath) => JournalEntry.CreateIntent(
        job.Facts.Uuid, job.Facts.Name, id, directoryPath, [.. job.Overlays.Select(Intent)]) with
    {
        Images = RbdCapture.Intent(job),
    };

    public PinnedDomain Begin(DomainJob job, OpenEntry entry, RbdCapture images) =>
        new(job, entry, freeze, snapshot, images, release, gate, log);

    private static JournalPin Intent(PlannedOverlay overlay) => new(
        overlay.Target, overlay.BasePath, overlay.BaseFormat, LocalFile.Identify(overlay.BasePath), overlay.OverlayPath,
        null,
        PinState.Planned)
    {
        Encryption = overlay.Encryption,
        Volume = overlay.Volume,
    };
}
