using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;

namespace KvmBackup.Runs.Guests;

/// <summary>The facts and decisions about one domain before anything is changed.</summary>
/// <param name="Settings">The domain's configuration.</param>
/// <param name="Facts">The facts from libvirt.</param>
/// <param name="Disks">The disks to back up, with their backing chains.</param>
/// <param name="Skipped">The disks to leave out.</param>
/// <param name="Overlays">One for each disk of an active domain; none when it is shut off.</param>
/// <param name="DataBytes">The estimated number of bytes to read.</param>
/// <param name="Warnings">Warnings for the operator.</param>
public sealed record DomainJob(
    DomainSettings Settings,
    DomainFacts Facts,
    IReadOnlyList<BackupDisk> Disks,
    IReadOnlyList<SkippedDisk> Skipped,
    IReadOnlyList<PlannedOverlay> Overlays,
    long DataBytes,
    IReadOnlyList<string> Warnings) : BackupJob(Disks, Skipped, DataBytes, Warnings)
{
    public override DomainIdentity Identity => Facts.Identity;

    public override BackupSettings Terms => Settings;

    public override QuiesceMode Quiesce => Settings.Quiesce;

    public override IReadOnlyList<AuxiliaryFile> Files => Facts.Files;

    public override bool? Autostart => Facts.IsPersistent ? Facts.IsAutostarted : null;

    public override DomainLabels Labels => Facts.Labels;

    public override IReadOnlyList<DomainSnapshot> Snapshots => Facts.Snapshots;

    /// <summary>The restore guide and the XML documents.</summary>
    public override IReadOnlyList<(string Name, string Text)> Texts(BackupId id, string hostName, string archiveName) =>
    [
        ("RESTORE.md", RestoreGuide.Write(Facts, id, hostName, archiveName, Disks)),
        ("domain.xml", Definition()),
        ("live.xml", Facts.Definition.Live),
        ("migratable.xml", Facts.Definition.Migratable),
        .. Snapshots.Select((snapshot, index) => (DomainSnapshot.MemberName(index + 1), snapshot.Xml)),
    ];

    /// <summary>
    /// The definition of a restored guest: as for the next start, with all disks that are in the backup.
    /// </summary>
    private string Definition()
    {
        DiskTarget[] added =
            [.. Disks.Where(disk => disk.Disk.Presence == DiskPresence.RunningOnly).Select(disk => disk.Disk.Target)];
        return added.Length == 0 ? Facts.Definition.Inactive
            : DomainXmlEditor.AddDisks(Facts.Definition.Inactive, Facts.Definition.Live, added);
    }
}
