using System.Xml.Linq;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>The XML of a snapshot with existing overlays, for properties that a diskspec does not support.</summary>
internal static class SnapshotXml
{
    public static ProgramCall Call(Virsh virsh, DomainFacts domain, string filePath) => virsh.Call(
        "snapshot-create", "--domain", domain.Uuid.ToString(), "--xmlfile", filePath,
        "--disk-only", "--atomic", "--no-metadata", "--reuse-external");

    public static string Write(DomainFacts domain, BackupId id, IReadOnlyList<PlannedOverlay> overlays) => new XElement(
        "domainsnapshot",
        new XElement("name", $"kvmbackup-{id}"),
        new XElement("disks", domain.Disks.Where(disk => disk.Presence != DiskPresence.NextStartOnly).Select(
            disk => Disk(disk, overlays.FirstOrDefault(overlay => overlay.Target == disk.Target))))).ToString();

    private static XElement Disk(DiskFacts disk, PlannedOverlay? overlay) => overlay is null
        ? new XElement("disk", new XAttribute("name", disk.Target.Value), new XAttribute("snapshot", "no"))
        : new XElement(
            "disk", new XAttribute("name", disk.Target.Value), new XAttribute("snapshot", "external"),
            new XAttribute("type", "file"),
            new XElement("driver", new XAttribute("type", "qcow2")),
            new XElement("source", new XAttribute("file", overlay.OverlayPath), Encryption(overlay.Encryption)));

    // Without an engine, libvirt 9.0 writes one into the definition for the next start that it refuses at that start:
    // "Unexpected enum value 0 for virStorageEncryptionEngine".
    private static XElement? Encryption(DiskEncryption? encryption) => encryption is null ? null : new XElement(
        "encryption", new XAttribute("format", encryption.Format), new XAttribute("engine", "qemu"),
        new XElement(
            "secret", new XAttribute("type", "passphrase"),
            encryption.SecretUuid is { } uuid ? new XAttribute("uuid", uuid)
                : new XAttribute("usage", encryption.SecretUsage ?? string.Empty)));
}
