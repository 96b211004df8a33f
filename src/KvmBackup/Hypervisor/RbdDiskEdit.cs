using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>Turns a disk of a domain's XML into an RBD image.</summary>
internal sealed class RbdDiskEdit(XElement domain)
{
    // The way to the cluster, as the domain's first disk that is in one has it.
    private readonly IReadOnlyList<XElement> commonWay =
        [.. DomainXml.DiskElements(domain).Where(IsImage).Take(1).SelectMany(WayOf)];

    public void Apply(XElement disk, RbdImage image)
    {
        IReadOnlyList<XElement> way = IsImage(disk) ? [.. WayOf(disk)] : commonWay;
        disk.Elements("backingStore").Remove();
        disk.Elements("auth").Remove();
        disk.Element("driver")?.SetAttributeValue("type", "raw");

        // Only a qcow2 has such a cache, and libvirt refuses it for anything else.
        disk.Element("driver")?.Elements("metadata_cache").Remove();
        if (RbdXml.IsMapped(disk))
        {
            // Its guest goes on with the kernel's driver, by the name, since a number is another after each mapping.
            disk.Element("source")!.SetAttributeValue("dev", RbdXml.DevicePathOf(image));
            return;
        }

        disk.SetAttributeValue("type", "network");
        if (disk.Attribute("device")?.Value == "lun")
        {
            // SCSI passthrough needs a device.
            disk.SetAttributeValue("device", "disk");
        }

        XElement source = new(
            "source", new XAttribute("protocol", "rbd"), new XAttribute("name", image.Spec), way,
            disk.Element("source")?.Elements("encryption"));
        disk.Element("source")?.ReplaceWith(source);
    }

    private static bool IsImage(XElement disk) => disk.Element("source")?.Attribute("protocol")?.Value == "rbd";

    private static IEnumerable<XElement> WayOf(XElement disk)
    {
        XElement source = disk.Element("source")!;
        XElement? auth = source.Element("auth") ?? disk.Element("auth");
        return source.Elements().Where(element => element.Name.LocalName is "host" or "config")
            .Concat(auth is null ? [] : [auth]).Select(element => new XElement(element));
    }
}
