using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>Changes a domain's XML: paths for a restore, the identity for a copy, the base after a commit.</summary>
public static class DomainXmlEditor
{
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static string Apply(string xml, DomainEdit edit)
    {
        XElement domain = DomainXml.Parse(xml);
        RbdDiskEdit images = new(domain);
        foreach (XElement disk in DomainXml.DiskElements(domain))
        {
            if (edit.DiskImages.FirstOrDefault(pair => pair.Key.Value == DomainXml.TargetOf(disk)).Value is { } image)
            {
                images.Apply(disk, image);
            }
            else
            {
                MoveDisk(disk, edit.DiskPaths);
            }
        }

        MoveFiles(domain, edit.FilePaths);
        if (edit.NewName is { } name)
        {
            GiveNewIdentity(domain, name, edit.CopyUuid);
        }

        return domain.ToString();
    }

    /// <summary>
    /// Changes a disk from its overlay back to its base. An overlay is always a qcow2 file, so type and format are set
    /// back, too: a guest does not start from a raw image that is declared as qcow2.
    /// </summary>
    public static string PutOnBase(string xml, PlannedOverlay overlay, bool isBlockDevice)
    {
        XElement domain = DomainXml.Parse(xml);
        XElement? disk = DomainXml.DiskElements(domain)
            .FirstOrDefault(disk => DomainXml.TargetOf(disk) == overlay.Target.Value);
        if (disk is not null && DomainXml.PathOf(disk) != overlay.BasePath)
        {
            disk.SetAttributeValue("type", isBlockDevice ? "block" : "file");
            disk.Element("driver")?.SetAttributeValue("type", overlay.BaseFormat);
            // The base is encrypted like the overlay. For a plain overlay its encryption is in the backing store.
            XElement? source = disk.Element("source");
            source?.ReplaceWith(new XElement(
                "source", new XAttribute(isBlockDevice ? "dev" : "file", overlay.BasePath),
                source.Element("encryption")
                    ?? disk.Element("backingStore")?.Element("source")?.Element("encryption")));
            disk.Elements("backingStore").Remove();
        }

        return domain.ToString();
    }

    /// <summary>
    /// Adds disks that only the running guest has to the definition for the next start, so that a restored guest has
    /// all disks of its backup. libvirt assigns new addresses: the old ones may belong to another device.
    /// </summary>
    public static string AddDisks(string next, string live, IReadOnlyCollection<DiskTarget> targets)
    {
        XElement domain = DomainXml.Parse(next);
        foreach (XElement disk in DomainXml.DiskElements(DomainXml.Parse(live))
            .Where(disk => targets.Any(target => target.Value == DomainXml.TargetOf(disk))))
        {
            disk.Elements("alias").Remove();
            disk.Elements("address").Remove();
            disk.Elements("backingStore").Remove();
            disk.Elements("source").Attributes("index").Remove();
            XElement before = DomainXml.DiskElements(domain).LastOrDefault()
                ?? domain.Element("devices")!.Elements().First();
            before.AddAfterSelf(disk);
        }

        return domain.ToString();
    }

    private static void MoveDisk(XElement disk, IReadOnlyDictionary<DiskTarget, string> paths)
    {
        string? path = paths.FirstOrDefault(pair => pair.Key.Value == DomainXml.TargetOf(disk)).Value;
        if (path is null || path == DomainXml.PathOf(disk))
        {
            return;
        }

        // A restored disk is always a file. QEMU finds its backing chain by the image headers.
        disk.SetAttributeValue("type", "file");
        // The encryption stays.
        XElement? source = disk.Element("source");
        source?.ReplaceWith(new XElement("source", new XAttribute("file", path), source.Elements("encryption")));
        disk.Elements("backingStore").Remove();
        disk.Elements("auth").Remove();
    }

    private static void MoveFiles(XElement domain, IReadOnlyDictionary<string, string> paths)
    {
        foreach (XElement element in domain.Element("os")?.Elements() ?? [])
        {
            if (!element.HasElements && paths.TryGetValue(element.Value.Trim(), out string? path))
            {
                element.Value = path;
            }
            else if (element.Element("source")?.Attribute("file") is { } file
                && paths.TryGetValue(file.Value, out path))
            {
                file.Value = path;
            }
        }
    }

    private static void GiveNewIdentity(XElement domain, DomainName name, Guid? uuid)
    {
        domain.SetElementValue("name", name.Value);

        // libvirt creates new ones on define. The firmware's UUID must equal the domain's, so it is removed, too.
        domain.Elements("uuid").Remove();
        domain.Elements("genid").Remove();
        domain.Elements("sysinfo").Elements("system").Elements("entry")
            .Where(entry => entry.Attribute("name")?.Value == "uuid").Remove();
        foreach (XElement network in DomainXml.Devices(domain, "interface"))
        {
            network.Elements("mac").Remove();
        }

        if (uuid is { } known)
        {
            // libvirt refuses a known name with another UUID.
            domain.SetElementValue("uuid", known);
        }
    }
}
