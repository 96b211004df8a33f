using System.Globalization;
using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>Reads from a domain's XML what it requires of its host.</summary>
public static class DomainRequirements
{
    /// <summary>All requirements, each once, in the order of the kinds.</summary>
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static IReadOnlyList<HostRequirement> Find(string xml)
    {
        XElement domain = DomainXml.Parse(xml);
        return [.. Interfaces(domain).Concat(Disks(domain)).Concat(Secrets(domain)).Concat(HostDevices(domain))
            .Concat(Memory(domain)).Concat(Folders(domain)).Concat(Firmware(domain))
            .Where(requirement => requirement.Name.Length > 0).Distinct().OrderBy(requirement => requirement.Kind)];
    }

    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static MachineRequirement FindMachine(string xml)
    {
        XElement domain = DomainXml.Parse(xml);
        XElement? type = domain.Element("os")?.Element("type");
        string? emulator = DomainXml.Devices(domain, "emulator").FirstOrDefault()?.Value.Trim();
        return new MachineRequirement(
            string.IsNullOrEmpty(emulator) ? null : emulator, type?.Attribute("arch")?.Value,
            type?.Attribute("machine")?.Value, domain.Attribute("type")?.Value ?? "kvm");
    }

    private static IEnumerable<HostRequirement> Interfaces(XElement domain)
    {
        foreach (XElement card in DomainXml.Devices(domain, "interface"))
        {
            if (SourceOf(card) is { } source)
            {
                yield return source;
            }

            foreach (string filter in card.Elements("filterref").Attributes("filter").Select(filter => filter.Value))
            {
                yield return new HostRequirement(RequirementKind.Nwfilter, filter);
            }
        }
    }

    /// <summary>The network, bridge or device to which a network card is connected.</summary>
    internal static HostRequirement? SourceOf(XElement card)
    {
        XElement? source = card.Element("source");
        return card.Attribute("type")?.Value switch
        {
            "network" => Of(RequirementKind.Network, source?.Attribute("network")),
            "bridge" => Of(RequirementKind.Bridge, source?.Attribute("bridge")),
            "direct" => Of(RequirementKind.NetworkDevice, source?.Attribute("dev")),
            "hostdev" => Pci(source),
            _ => null,
        };
    }

    private static IEnumerable<HostRequirement> Disks(XElement domain)
    {
        foreach (XElement disk in DomainXml.DiskElements(domain))
        {
            XElement? source = disk.Element("source");
            if (disk.Attribute("type")?.Value == "volume")
            {
                yield return new HostRequirement(
                    RequirementKind.Pool, source?.Attribute("pool")?.Value ?? string.Empty);
            }
            else if (DomainXml.PathOf(disk) is { } path && source?.Attribute("startupPolicy")?.Value != "optional")
            {
                bool isMedium = disk.Attribute("device")?.Value is "cdrom" or "floppy";
                yield return new HostRequirement(isMedium ? RequirementKind.Medium : RequirementKind.Disk, path)
                {
                    Disk = new DiskTarget(DomainXml.TargetOf(disk)),
                };
            }
        }
    }

    // Of encrypted disks, of disks in a cluster, and of the state of an emulated TPM.
    private static IEnumerable<HostRequirement> Secrets(XElement domain) =>
        DomainXml.DiskElements(domain).Descendants("secret")
            .Select(secret => secret.Attribute("uuid") ?? secret.Attribute("usage"))
            .Concat(DomainXml.Devices(domain, "tpm").Descendants("encryption").Attributes("secret"))
            .Select(name => Of(RequirementKind.Secret, name)).OfType<HostRequirement>();

    private static IEnumerable<HostRequirement> HostDevices(XElement domain) =>
        DomainXml.Devices(domain, "hostdev").Select(device => device.Attribute("type")?.Value switch
        {
            "pci" => Pci(device.Element("source")),
            "usb" => Usb(device.Element("source")),
            _ => null,
        }).OfType<HostRequirement>();

    private static HostRequirement? Pci(XElement? source)
    {
        XElement? address = source?.Element("address");
        return address is null ? null : new HostRequirement(
            RequirementKind.Pci,
            $"{Number(address, "domain"):x4}:{Number(address, "bus"):x2}:{Number(address, "slot"):x2}."
                + $"{Number(address, "function"):x}");
    }

    // A device that is named by bus and port only is not looked for; libvirt starts a guest without an optional one.
    private static HostRequirement? Usb(XElement? source) =>
        source?.Element("vendor") is { } vendor && source.Element("product") is { } product
            && source.Attribute("startupPolicy")?.Value != "optional"
            ? new HostRequirement(RequirementKind.Usb, $"{Number(vendor, "id"):x4}:{Number(product, "id"):x4}")
            : null;

    private static IEnumerable<HostRequirement> Memory(XElement domain) =>
        domain.Elements("memoryBacking").Elements("hugepages").SelectMany(pages => pages.Elements("page")
            .Select(page => $"{page.Attribute("size")?.Value} {page.Attribute("unit")?.Value ?? "KiB"}")
            .DefaultIfEmpty("default")).Select(size => new HostRequirement(RequirementKind.Hugepages, size));

    private static IEnumerable<HostRequirement> Folders(XElement domain) =>
        DomainXml.Devices(domain, "filesystem").Select(folder => folder.Element("source")?.Attribute("dir"))
            .Select(path => Of(RequirementKind.Folder, path)).OfType<HostRequirement>();

    private static IEnumerable<HostRequirement> Firmware(XElement domain)
    {
        XElement? os = domain.Element("os");
        if (os?.Element("loader")?.Value.Trim() is { } loader && loader.StartsWith('/'))
        {
            yield return new HostRequirement(RequirementKind.Firmware, loader);
        }

        if (os?.Element("nvram")?.Attribute("template")?.Value is { } template)
        {
            yield return new HostRequirement(RequirementKind.NvramTemplate, template);
        }
    }

    private static HostRequirement? Of(RequirementKind kind, XAttribute? name) =>
        name is null ? null : new HostRequirement(kind, name.Value);

    private static int Number(XElement element, string name)
    {
        string text = element.Attribute(name)?.Value ?? string.Empty;
        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && int.TryParse(text[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int value) ? value
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) ? value : 0;
    }
}
