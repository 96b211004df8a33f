using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>Reads the backup settings in a domain's metadata.</summary>
public static class MetadataXml
{
    private static readonly XNamespace Space = "https://kvmbackup.org/xmlns/domain/1.0";

    /// <summary>
    /// The disks that a domain excludes: <c>&lt;kvmbackup:exclude disk="vdb"/&gt;</c> within
    /// <c>&lt;kvmbackup:backup&gt;</c>.
    /// </summary>
    public static IReadOnlyList<DiskTarget> Excluded(params IEnumerable<XElement> definitions) =>
    [
        .. definitions
            .SelectMany(domain => domain.Elements("metadata").Elements(Space + "backup").Elements(Space + "exclude"))
            .Select(exclude => exclude.Attribute("disk")?.Value)
            .OfType<string>().Where(DiskTarget.IsValid).Distinct().Select(target => new DiskTarget(target)),
    ];
}
