using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>Turns a disk of a domain's XML into an RBD image.</summary>
internal sealed class RbdDiskEdit(XElement domain)
{
    // Hosts and authentication of the domain's first RBD disk.
    private readonly IReadOnlyList<XElement> commonAccess =
        [.. DomainXml.DiskElements(domain).Where(IsImage).Take(1).SelectMany(AccessOf)];

    public void Apply(XElement disk, RbdImage image)
    {
        IReadOnlyList<XElement> access = IsImage(disk) ? [.. AccessOf(disk)] : commonAccess;
        disk.Elements("backingStore").Remove();
        disk.Elements("auth").Remove();
        disk.Element("driver")?.SetAttributeValue("type", "raw");

        // Only a qcow2 image has such a cache, and libvirt refuses it for other formats.
        disk.Element("driver")?.Elements("metadata_cache").Remove();
        if (RbdXml.IsMapped(disk))
        {
            // The guest continues to use the kernel's driver, by name, since the device number changes with each
            // mapping.
            disk.Element("source")!.SetAttributeValue("dev", RbdXml.DevicePathOf(image));
            return;
        }

        disk.SetAttributeValue("type", "network");
        if (disk.Attribute("device")?.Value == "lun")
        {
            // SCSI passthrough requires a device.
            disk.SetAttributeValue("device", "disk");
        }

        XElement source = new(
            "source", new XAttribute("protocol", "rbd"), new XAttribute("name", image.Spec), access,
            disk.Element("source")?.Elements("encryption"));
        disk.Element("source")?.ReplaceWith(source);
    }

    private static bool IsImage(XElement disk) => disk.Element("source")?.Attribute("protocol")?.Value == "rbd";

    private static IEnumerable<XElement> AccessOf(XElement disk)
    {
        XElement source = disk.Element("source")!;
        XElement? auth = source.Element("auth") ?? disk.Element("auth");
        return source.Elements().Where(element => element.Name.LocalName is "host" or "config")
            .Concat(auth is null ? [] : [auth]).Select(element => new XElement(element));
    }
}
