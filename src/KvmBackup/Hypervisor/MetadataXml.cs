using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>Reads what a domain's definition specifies about its backups: title and metadata.</summary>
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
            .SelectMany(domain => Settings(domain).Elements(Space + "exclude"))
            .Select(exclude => exclude.Attribute("disk")?.Value)
            .OfType<string>().Where(DiskTarget.IsValid).Distinct().Select(target => new DiskTarget(target)),
    ];

    /// <summary>
    /// The title, <c>&lt;title&gt;</c>, and the group, <c>&lt;kvmbackup:backup group="gold"&gt;</c>. The first
    /// definition that has one takes precedence: that for the next start, which a restart of the guest keeps.
    /// </summary>
    public static DomainLabels Labels(params IReadOnlyList<XElement> definitions) => new(
        definitions.Select(domain => domain.Element("title")?.Value).FirstOrDefault(IsText),
        definitions.SelectMany(Settings).Select(backup => backup.Attribute("group")?.Value).FirstOrDefault(IsText));

    private static bool IsText(string? text) => !string.IsNullOrWhiteSpace(text);

    private static IEnumerable<XElement> Settings(XElement domain) =>
        domain.Elements("metadata").Elements(Space + "backup");
}
