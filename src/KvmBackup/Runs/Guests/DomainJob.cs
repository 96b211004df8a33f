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

    /// <summary>The objects of libvirt to which the domain refers.</summary>
    public IReadOnlyList<ReferredDefinition> Referred { get; init; } = [];

    public override HostDependencies Dependencies => new(
        [.. Numbered().Select(one => one.Saved)],
        [.. DomainRequirements.Find(Facts.Definition.Inactive).Where(one => IsResource(one.Kind))
            .Select(one => new HostResource(one.Kind, one.Name))]);

    /// <summary>The restore guide and the XML documents.</summary>
    public override IReadOnlyList<(string Name, string Text)> Texts(BackupId id, string hostName, string archiveName) =>
    [
        ("RESTORE.md", RestoreGuide.Write(Facts, id, hostName, archiveName, Disks, Dependencies)),
        ("domain.xml", Definition()),
        ("live.xml", Facts.Definition.Live),
        ("migratable.xml", Facts.Definition.Migratable),
        .. Snapshots.Select((snapshot, index) => (DomainSnapshot.MemberName(index + 1), snapshot.Xml)),
        .. Numbered().Select(one => (one.Saved.Member, one.Xml)),
    ];

    /// <summary>The members are numbered: a name from libvirt never becomes the name of a file.</summary>
    private IEnumerable<(SavedDefinition Saved, string Xml)> Numbered() => Referred.Select((referred, place) =>
    {
        int number = Referred.Take(place).Count(earlier => earlier.Kind == referred.Kind) + 1;
        string member = $"{referred.Kind.ToString().ToLowerInvariant()}-{number}.xml";
        return (new SavedDefinition(referred.Kind, referred.Name, member), referred.Xml);
    });

    // Every guest has an emulator and firmware; its other disks are in the manifest.
    private static bool IsResource(RequirementKind kind) =>
        kind is RequirementKind.Bridge or RequirementKind.NetworkDevice or RequirementKind.Pci or RequirementKind.Usb
            or RequirementKind.Hugepages or RequirementKind.Folder or RequirementKind.Medium;

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
