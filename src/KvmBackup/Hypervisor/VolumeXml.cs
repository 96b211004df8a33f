using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>
/// Reads and writes the volumes of storage pools in a domain's XML. A resolved volume has the path and the type of a
/// file or block device in the parsed document, beside the names of its pool and volume.
/// </summary>
internal static class VolumeXml
{
    private const string Type = "volume";

    /// <summary>The sources of all disks and of their backing chains that are volumes.</summary>
    public static IReadOnlyList<XElement> Sources(XElement domain) =>
        [.. DomainXml.DiskElements(domain).DescendantsAndSelf().Elements("source")
            .Where(source => Find(source) is not null)];

    /// <summary>The volume that a source names; null for every other source.</summary>
    public static PoolVolume? Find(XElement? source) =>
        source is not null && IsVolume(source) && source.Attribute("pool")?.Value is { Length: > 0 } pool
            && source.Attribute("volume")?.Value is { Length: > 0 } name
            ? new PoolVolume(pool, name) { Mode = source.Attribute("mode")?.Value } : null;

    /// <summary>Adds the path of a volume, or why it has none, to the parsed document.</summary>
    public static void Resolve(XElement source, VolumePath found)
    {
        if (found.Path is { } path)
        {
            source.SetAttributeValue(found.IsBlockDevice ? "dev" : "file", path);
            source.Parent!.SetAttributeValue("type", found.IsBlockDevice ? "block" : "file");
        }

        source.AddAnnotation(found);
    }

    /// <summary>Why the volume of a disk has no path; null when it has one, and for every other disk.</summary>
    public static string? ObstacleOf(XElement disk) =>
        disk.Element("source") is { } source && Find(source) is { } volume && DomainXml.PathOf(disk) is null
            ? $"is {volume}, {source.Annotation<VolumePath>()?.Obstacle ?? "whose path is unknown"}" : null;

    /// <summary>Changes a disk that is a file or block device to a volume.</summary>
    public static void NameVolume(XElement disk, PoolVolume volume)
    {
        XElement source = disk.Element("source")!;
        source.Attributes().Where(attribute => attribute.Name.LocalName is "file" or "dev").Remove();
        source.SetAttributeValue("pool", volume.Pool);
        source.SetAttributeValue("volume", volume.Name);
        source.SetAttributeValue("mode", volume.Mode);
        disk.SetAttributeValue("type", Type);
    }

    // A resolved source has the type of its path.
    private static bool IsVolume(XElement source) =>
        source.Parent?.Attribute("type")?.Value == Type || source.Annotation<VolumePath>() is not null;
}

/// <summary>The path of a volume on this host.</summary>
/// <param name="Path">The file or block device; null when the volume has none.</param>
/// <param name="IsBlockDevice">The pool contains block devices.</param>
/// <param name="Obstacle">Why there is no path, as the end of a sentence; null when there is one.</param>
public sealed record VolumePath(string? Path, bool IsBlockDevice, string? Obstacle);
