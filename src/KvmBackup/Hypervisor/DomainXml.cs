using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>Reads facts from a domain's XML. No element leaves this module.</summary>
public static class DomainXml
{
    private const string AgentChannelName = "org.qemu.guest_agent.0";

    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static XElement Parse(string xml)
    {
        try
        {
            XElement root = BoundedXml.Parse(xml);
            return root.Name.LocalName == "domain" ? root
                : throw new HypervisorException($"This is the XML of a {root.Name.LocalName}, not of a domain.");
        }
        catch (XmlException failure)
        {
            throw new HypervisorException(
                $"A domain's XML cannot be read: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    public static IReadOnlyList<DiskFacts> Disks(XElement domain) =>
        [.. DiskElements(domain).Select(Describe)];

    /// <summary>The disks that are RBD images, by target.</summary>
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static IReadOnlyDictionary<DiskTarget, RbdSource> RbdSources(string xml) => Disks(Parse(xml))
        .Where(disk => disk.Rbd is not null).ToDictionary(disk => disk.Target, disk => disk.Rbd!);

    /// <summary>The disks that are devices of the kernel's RBD driver.</summary>
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static IReadOnlyList<DiskTarget> MappedDisks(string xml) =>
        [.. DiskElements(Parse(xml)).Where(RbdXml.IsMapped).Select(disk => new DiskTarget(TargetOf(disk)))];

    public static bool HasAgentChannel(XElement domain) =>
        Devices(domain, "channel")
            .Any(channel => channel.Element("target")?.Attribute("name")?.Value == AgentChannelName);

    /// <summary>Whether the domain has an emulated TPM, whose state is in files of the host.</summary>
    public static bool HasTpm(XElement domain) =>
        Devices(domain, "tpm").Any(tpm => tpm.Element("backend")?.Attribute("type")?.Value == "emulator");

    /// <summary>Kernel, initrd and NVRAM with their names in the archive.</summary>
    public static IReadOnlyList<AuxiliaryFile> Files(XElement domain)
    {
        XElement? os = domain.Element("os");
        (string MemberName, string? Path)[] candidates =
        [
            ("kernel", os?.Element("kernel")?.Value),
            ("initrd", os?.Element("initrd")?.Value),
            ("nvram.fd", NvramPath(os?.Element("nvram"))),
        ];
        return [.. candidates
            .Where(candidate => !string.IsNullOrWhiteSpace(candidate.Path))
            .Select(candidate => new AuxiliaryFile(candidate.MemberName, candidate.Path!.Trim()))];
    }

    /// <summary>The largest memory that the domain may have; libvirt writes it in KiB.</summary>
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static long MemoryBytes(string xml) =>
        long.TryParse(
            Parse(xml).Element("memory")?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long kibibytes)
            ? kibibytes * 1024 : 0;

    /// <summary>The files that a domain's XML names for one disk, including its backing chain.</summary>
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static IReadOnlyList<string> DiskPaths(string xml, DiskTarget target) =>
        [.. DiskElements(Parse(xml)).Where(disk => TargetOf(disk) == target.Value).Descendants("source").Attributes()
            .Where(attribute => attribute.Name.LocalName is "file" or "dev").Select(attribute => attribute.Value)];

    /// <summary>The source paths of <see cref="Files"/>.</summary>
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static IReadOnlyList<string> FilePaths(string xml) => [.. Files(Parse(xml)).Select(file => file.SourcePath)];

    /// <summary>The state of each disk, by target.</summary>
    public static IReadOnlyDictionary<DiskTarget, DiskState> DiskStates(XElement domain) =>
        DiskElements(domain).ToDictionary(disk => new DiskTarget(TargetOf(disk)), StateOf);

    internal static IEnumerable<XElement> DiskElements(XElement domain) => Devices(domain, "disk");

    internal static IEnumerable<XElement> Devices(XElement domain, string name) =>
        domain.Element("devices")?.Elements(name) ?? [];

    internal static string TargetOf(XElement disk) => disk.Element("target")?.Attribute("dev")?.Value ?? string.Empty;

    internal static string? PathOf(XElement disk) =>
        disk.Element("source")?.Attribute("file")?.Value ?? disk.Element("source")?.Attribute("dev")?.Value;

    private static DiskState StateOf(XElement disk)
    {
        XElement? mirror = disk.Element("mirror");
        return new DiskState(
            PathOf(disk), mirror is null ? null : mirror.Attribute("job")?.Value ?? "copy",
            mirror?.Attribute("ready")?.Value is "yes")
        {
            Format = FormatOf(disk),
            Backing =
                [.. disk.Descendants("backingStore").Where(layer => !layer.Ancestors("mirror").Any())
                    .Select(PathOf).OfType<string>()],
        };
    }

    private static string FormatOf(XElement disk) => disk.Element("driver")?.Attribute("type")?.Value ?? "raw";

    private static string? NvramPath(XElement? nvram) =>
        nvram is null ? null
        : nvram.Element("source") is { } source ? source.Attribute("file")?.Value
        : nvram.Value;

    private static DiskFacts Describe(XElement disk)
    {
        string? path = PathOf(disk);
        bool isEmpty = disk.Element("source") is not { HasAttributes: true };
        return new DiskFacts(
            new DiskTarget(TargetOf(disk)),
            disk.Attribute("device")?.Value ?? "disk",
            isEmpty ? DiskSourceType.None : SourceType(disk.Attribute("type")?.Value),
            path,
            FormatOf(disk),
            disk.Element("readonly") is not null,
            disk.Element("shareable") is not null,
            disk.Element("mirror") is { } mirror ? mirror.Attribute("job")?.Value ?? "copy" : null)
        {
            Rbd = RbdXml.Find(disk),
            Encryption = EncryptionOf(disk),
            IsTransient = disk.Element("transient") is not null,
        };
    }

    // libvirt writes it below the source, and also reads the older place below the disk.
    private static DiskEncryption? EncryptionOf(XElement disk)
    {
        XElement? encryption = disk.Element("source")?.Element("encryption") ?? disk.Element("encryption");
        XElement? secret = encryption?.Element("secret");
        return encryption is null ? null : new DiskEncryption(
            encryption.Attribute("format")?.Value ?? "default",
            Guid.TryParse(secret?.Attribute("uuid")?.Value, out Guid uuid) ? uuid : null,
            secret?.Attribute("usage")?.Value);
    }

    private static DiskSourceType SourceType(string? type) => type switch
    {
        "file" => DiskSourceType.File,
        "block" => DiskSourceType.Block,
        "network" => DiskSourceType.Network,
        "volume" => DiskSourceType.Volume,
        _ => DiskSourceType.Other,
    };
}
