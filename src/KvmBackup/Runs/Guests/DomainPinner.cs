using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs.Capture;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>Creates the journal entry for a snapshot, and the scope that takes it.</summary>
public sealed class DomainPinner(
    GuestFreeze freeze, OverlaySnapshot snapshot, OverlayRelease release, FaultInjection faults, ILogger log)
{
    /// <summary>The journal entry for a job: everything that an undo needs, before anything is changed.</summary>
    public static JournalEntry Intent(DomainJob job, BackupId id, string directoryPath) => JournalEntry.CreateIntent(
        job.Facts.Uuid, job.Facts.Name, id, directoryPath, [.. job.Overlays.Select(Intent)]) with
    {
        Images = RbdCapture.Intent(job),
    };

    public PinnedDomain Begin(DomainJob job, BackupId id, OpenEntry entry, RbdCapture images) =>
        new(job, id, entry, freeze, snapshot, images, release, faults, log);

    private static JournalPin Intent(PlannedOverlay overlay) => new(
        overlay.Target, overlay.BasePath, overlay.BaseFormat, LocalFile.Identify(overlay.BasePath), overlay.OverlayPath,
        null,
        PinState.Planned)
    {
        Encryption = overlay.Encryption,
    };
}
