using System.Text;
using System.Xml;
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
            else if (!edit.KeepsVolumes || VolumeXml.Find(disk.Element("source")) is null)
            {
                MoveDisk(disk, edit.DiskPaths);
            }
        }

        MoveFiles(domain, edit.FilePaths);
        HostXmlEdit.Apply(domain, edit.Host);
        if (edit.NewName is { } name)
        {
            GiveNewIdentity(domain, name, edit.CopyUuid);
            LeaveToOriginal(domain, edit.FilePaths);
        }

        return Write(domain);
    }

    /// <summary>
    /// Changes a disk from its overlay back to its base. An overlay is always a qcow2 file, so type and format are set
    /// back, too: a guest does not start from a raw image that is declared as qcow2. A base that was a volume is named
    /// as that volume.
    /// </summary>
    public static string PutOnBase(string xml, PlannedOverlay overlay, bool isBlockDevice)
    {
        XElement domain = DomainXml.Parse(xml);
        XElement? disk = DomainXml.DiskElements(domain)
            .FirstOrDefault(disk => DomainXml.TargetOf(disk) == overlay.Target.Value);
        if (disk is not null && DomainXml.PathOf(disk) != overlay.BasePath
            && (overlay.Volume is null || VolumeXml.Find(disk.Element("source")) != overlay.Volume))
        {
            disk.SetAttributeValue("type", isBlockDevice ? "block" : "file");
            disk.Element("driver")?.SetAttributeValue("type", overlay.BaseFormat);
            // The base is encrypted like the overlay. For a plain overlay its encryption is in the backing store.
            // libvirt gives the overlay the policy and the security labels of its base.
            XElement? source = disk.Element("source");
            source?.ReplaceWith(new XElement(
                "source", new XAttribute(isBlockDevice ? "dev" : "file", overlay.BasePath),
                source.Attribute("startupPolicy"), source.Elements("seclabel"),
                source.Element("encryption")
                    ?? disk.Element("backingStore")?.Element("source")?.Element("encryption")));
            disk.Elements("backingStore").Remove();
            if (overlay.Volume is { } volume)
            {
                VolumeXml.NameVolume(disk, volume);
            }
        }

        return Write(domain);
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
            XElement? devices = domain.Element("devices");
            if (devices is null)
            {
                domain.Add(devices = new XElement("devices"));
            }

            if ((DomainXml.DiskElements(domain).LastOrDefault() ?? devices.Elements().FirstOrDefault()) is { } before)
            {
                before.AddAfterSelf(disk);
            }
            else
            {
                devices.Add(disk);
            }
        }

        return Write(domain);
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
        // The encryption and the policy for a missing file stay. Security labels belong to the old file: with
        // relabel='no' QEMU could not open the new one.
        XElement? source = disk.Element("source");
        source?.ReplaceWith(new XElement(
            "source", new XAttribute("file", path), source.Attribute("startupPolicy"), source.Elements("encryption")));
        disk.Elements("backingStore").Remove();
        disk.Elements("auth").Remove();
    }

    private static void MoveFiles(XElement domain, IReadOnlyDictionary<string, string> paths)
    {
        foreach (XElement element in domain.Element("os")?.Elements() ?? [])
        {
            if (element.Element("source") is { } source)
            {
                if (source.Attribute("file") is { } file && paths.TryGetValue(file.Value.Trim(), out string? moved))
                {
                    file.Value = moved;
                }
            }
            else if (paths.TryGetValue(element.Value.Trim(), out string? path) && path != element.Value.Trim())
            {
                element.Value = path;
            }
        }
    }

    /// <summary>
    /// Removes the names of host resources that the original and its copy cannot both use; libvirt selects others.
    /// </summary>
    private static void LeaveToOriginal(XElement domain, IReadOnlyDictionary<string, string> restored)
    {
        // An NVRAM that is not in the backup: QEMU would write into that of the original.
        foreach (XElement nvram in domain.Elements("os").Elements("nvram")
            .Where(nvram => !restored.Values.Contains(DomainXml.NvramPath(nvram)?.Trim())))
        {
            nvram.RemoveNodes();
            nvram.SetAttributeValue("type", null);
        }

        // Two agents cannot have the same socket; the second guest would take it from the first.
        DomainXml.Devices(domain, "channel")
            .Where(channel => channel.Attribute("type")?.Value == "unix"
                && channel.Element("target")?.Attribute("type")?.Value == "virtio")
            .Elements("source").Where(source => source.Attribute("mode")?.Value == "bind")
            .Attributes("path").Remove();

        // A device that libvirt creates for a network card; it is unique on a host.
        DomainXml.Devices(domain, "interface")
            .Where(card => card.Attribute("type")?.Value is "network" or "bridge")
            .Elements("target").Where(target => target.Attribute("managed") is null).Remove();
    }

    // The text outside of the root stays, too, and so does a carriage return within a value.
    private static string Write(XElement domain)
    {
        StringBuilder text = new();
        XmlWriterSettings settings =
            new() { OmitXmlDeclaration = true, NewLineHandling = NewLineHandling.Entitize };
        using (XmlWriter writer = XmlWriter.Create(text, settings))
        {
            domain.Document!.WriteTo(writer);
        }

        return text.ToString();
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
