using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>Changes the parts of a domain's XML that name resources of the host.</summary>
internal static class HostXmlEdit
{
    public static void Apply(XElement domain, HostEdit edit)
    {
        foreach (XElement card in DomainXml.Devices(domain, "interface"))
        {
            if (DomainRequirements.SourceOf(card) is { Kind: not RequirementKind.Pci } source
                && edit.Networks.TryGetValue(source.Name, out string? network))
            {
                Connect(card, network);
            }
        }

        foreach (XElement drive in edit.RemovesMedia ? DomainXml.DiskElements(domain).Where(IsDrive) : [])
        {
            drive.SetAttributeValue("type", "file");
            drive.Elements("source").Remove();
            drive.Elements("backingStore").Remove();
            drive.Elements("auth").Remove();
        }

        if (edit.Emulator is { } emulator)
        {
            domain.Element("devices")?.SetElementValue("emulator", emulator);
        }

        if (edit.Machine is { } machine)
        {
            domain.Element("os")?.Element("type")?.SetAttributeValue("machine", machine);
        }
    }

    // The port and the profile belong to the old network or bridge.
    private static void Connect(XElement card, string network)
    {
        card.SetAttributeValue("type", "network");
        card.Element("source")!.ReplaceWith(new XElement("source", new XAttribute("network", network)));
        card.Elements("virtualport").Remove();
    }

    private static bool IsDrive(XElement disk) => disk.Attribute("device")?.Value is "cdrom" or "floppy";
}
