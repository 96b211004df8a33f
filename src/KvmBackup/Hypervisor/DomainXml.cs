using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>Reads facts from a domain's XML. No element leaves this module.</summary>
public static class DomainXml
{
    private const string AgentChannelName = "org.qemu.guest_agent.0";

    /// <exception cref="HypervisorException">The text is not a domain's XML, or its disks have no distinct
    /// targets.</exception>
    public static XElement Parse(string xml)
    {
        try
        {
            XElement root = BoundedXml.Parse(xml);
            if (root.Name != "domain")
            {
                throw new HypervisorException($"This is the XML of a {root.Name}, not of a domain.");
            }

            VerifyTargets(root);
            return root;
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
        Devices(domain, "tpm").Any(tpm => tpm.Element("backend")?.Attribute("type")?.Value is "emulator" or "external");

    /// <summary>Whether the NVRAM is a block device or a network source, which no backup contains.</summary>
    public static bool HasForeignNvram(XElement domain) =>
        domain.Element("os")?.Element("nvram")?.Attribute("type")?.Value is not (null or "file");

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

    /// <summary>The largest memory that the domain may have; 0 when the XML has no valid size.</summary>
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static long MemoryBytes(string xml)
    {
        XElement? memory = Parse(xml).Element("memory");
        long unit = UnitBytes(memory?.Attribute("unit")?.Value);
        return long.TryParse(memory?.Value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            && unit > 0 && count <= long.MaxValue / unit ? count * unit : 0;
    }

    /// <summary>The files that a domain's XML names for one disk, including its backing chain.</summary>
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static IReadOnlyList<string> DiskPaths(string xml, DiskTarget target) =>
        [.. DiskElements(Parse(xml)).Where(disk => TargetOf(disk) == target.Value).Descendants("source").Attributes()
            .Where(attribute => attribute.Name.LocalName is "file" or "dev").Select(attribute => attribute.Value)];

    /// <summary>The volume that a domain's XML names for one disk; null when it names a path or has no such
    /// disk.</summary>
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static PoolVolume? DiskVolume(string xml, DiskTarget target) =>
        DiskElements(Parse(xml)).Where(disk => TargetOf(disk) == target.Value)
            .Select(disk => VolumeXml.Find(disk.Element("source"))).FirstOrDefault();

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

    /// <summary>The file or block device; null for another source, and for the empty path of an empty drive.</summary>
    internal static string? PathOf(XElement disk) =>
        (disk.Element("source")?.Attribute("file") ?? disk.Element("source")?.Attribute("dev"))?.Value
            is { Length: > 0 } path ? path : null;

    private static void VerifyTargets(XElement domain)
    {
        HashSet<string> targets = [];
        foreach (string target in DiskElements(domain).Select(TargetOf))
        {
            if (!DiskTarget.IsValid(target))
            {
                throw new HypervisorException(
                    $"A domain's XML has a disk with the target '{target}'; targets are device names such as vda.");
            }

            if (!targets.Add(target))
            {
                throw new HypervisorException($"A domain's XML has disk {target} more than once.");
            }
        }
    }

    // dumpxml writes KiB. The other units are those that libvirt reads.
    private static long UnitBytes(string? unit) => unit switch
    {
        null or "KiB" or "k" => 1L << 10,
        "b" or "bytes" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "M" or "MiB" => 1L << 20,
        "GB" => 1_000_000_000,
        "G" or "GiB" => 1L << 30,
        "TB" => 1_000_000_000_000,
        "T" or "TiB" => 1L << 40,
        _ => 0,
    };

    private static DiskState StateOf(XElement disk)
    {
        XElement? mirror = disk.Element("mirror");
        return new DiskState(
            PathOf(disk) ?? VolumeXml.Find(disk.Element("source"))?.ToString(),
            mirror is null ? null : mirror.Attribute("job")?.Value ?? "copy",
            mirror?.Attribute("ready")?.Value is "yes")
        {
            Format = FormatOf(disk),
            Backing =
                [.. disk.Descendants("backingStore").Where(layer => !layer.Ancestors("mirror").Any())
                    .Select(PathOf).OfType<string>()],
        };
    }

    private static string FormatOf(XElement disk) => disk.Element("driver")?.Attribute("type")?.Value ?? "raw";

    internal static string? NvramPath(XElement? nvram) =>
        nvram is null ? null
        : nvram.Element("source") is { } source ? source.Attribute("file")?.Value
        : nvram.Value;

    private static DiskFacts Describe(XElement disk)
    {
        return new DiskFacts(
            new DiskTarget(TargetOf(disk)),
            disk.Attribute("device")?.Value ?? "disk",
            IsEmpty(disk) ? DiskSourceType.None : SourceType(disk.Attribute("type")?.Value),
            PathOf(disk),
            FormatOf(disk),
            disk.Element("readonly") is not null,
            disk.Element("shareable") is not null,
            disk.Element("mirror") is { } mirror ? mirror.Attribute("job")?.Value ?? "copy" : null)
        {
            Rbd = RbdXml.Find(disk),
            Volume = VolumeXml.Find(disk.Element("source")),
            Encryption = EncryptionOf(disk),
            IsTransient = disk.Element("transient") is not null,
            Refusal = RefusalOf(disk),
            Notice = disk.Attribute("snapshot")?.Value == "no"
                ? "has snapshot='no' in its definition, which leaves it out of other programs' snapshots only; it is "
                    + $"in this backup. To leave it out of backups: disks: {{exclude: [{TargetOf(disk)}]}}" : null,
        };
    }

    // Without a medium libvirt leaves no source, or one with the policy for a missing medium. Some programs write an
    // empty path.
    private static bool IsEmpty(XElement disk)
    {
        XElement? source = disk.Element("source");
        return source is null || (PathOf(disk) is null && source.Attributes().All(
            attribute => attribute.Name.LocalName is "file" or "dev" or "startupPolicy" or "index"));
    }

    private static string? RefusalOf(XElement disk)
    {
        XElement? source = disk.Element("source");
        return source?.Element("slices") is not null
                ? "uses only a part of its source (<slices>), which is not supported; use the whole source"
            : VolumeXml.ObstacleOf(disk) is { } obstacle ? obstacle
            : source?.Attribute("protocol")?.Value is not { } protocol ? null
            : protocol != "rbd"
                ? $"is a network disk of the protocol {protocol}, which is not supported; use a file, a block device "
                    + "or an RBD image"
            : RbdXml.Find(disk) is null
                ? $"is an RBD image with the name '{source.Attribute("name")?.Value}', which is not POOL/IMAGE or "
                    + "POOL/NAMESPACE/IMAGE; correct it"
            : source.Element("snapshot")?.Attribute("name")?.Value is { } snapshot
                ? $"uses the snapshot {snapshot} of an RBD image, which is not supported; use the image itself"
            : null;
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
        // libvirt's default.
        null or "file" => DiskSourceType.File,
        "block" => DiskSourceType.Block,
        "network" => DiskSourceType.Network,
        "volume" => DiskSourceType.Volume,
        "dir" => DiskSourceType.Dir,
        "nvme" => DiskSourceType.Nvme,
        "vhostuser" => DiskSourceType.VhostUser,
        "vhostvdpa" => DiskSourceType.VhostVdpa,
        _ => DiskSourceType.Other,
    };
}
