namespace KvmBackup.Model.Domains;

/// <summary>What a domain's definition requires of its host, beyond the disks of the domain.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Name">The name, path, address or UUID in the definition.</param>
public sealed record HostRequirement(RequirementKind Kind, string Name)
{
    /// <summary>The drive of a medium or the target of a disk; null for other kinds.</summary>
    public DiskTarget? Disk { get; init; }
}

/// <summary>The kinds of what a definition requires of its host.</summary>
public enum RequirementKind
{
    /// <summary>A network of libvirt.</summary>
    Network,

    /// <summary>A network filter of libvirt.</summary>
    Nwfilter,

    /// <summary>A storage pool of libvirt.</summary>
    Pool,

    /// <summary>A secret of libvirt, by its UUID or its usage.</summary>
    Secret,

    /// <summary>A bridge of the host.</summary>
    Bridge,

    /// <summary>A network device of the host, for macvtap.</summary>
    NetworkDevice,

    /// <summary>A PCI device of the host, as <c>0000:01:00.0</c>.</summary>
    Pci,

    /// <summary>A USB device of the host, as <c>0951:1625</c> for vendor and product.</summary>
    Usb,

    /// <summary>Huge pages, by their size; <c>default</c> for the size that is usual on the host.</summary>
    Hugepages,

    /// <summary>A folder of the host that the guest mounts.</summary>
    Folder,

    /// <summary>The medium of a CD-ROM or floppy drive.</summary>
    Medium,

    /// <summary>A file or device of a disk.</summary>
    Disk,

    /// <summary>The firmware.</summary>
    Firmware,

    /// <summary>The template of the firmware's variables, which a guest without an NVRAM file requires.</summary>
    NvramTemplate,
}

/// <summary>The emulator and the machine that a definition requires.</summary>
/// <param name="Emulator">The program; null for libvirt's default.</param>
/// <param name="Architecture">The architecture of the guest; null for libvirt's default.</param>
/// <param name="Machine">The machine type; null for libvirt's default.</param>
/// <param name="VirtType">The type of the domain: <c>kvm</c>, <c>qemu</c>.</param>
public sealed record MachineRequirement(string? Emulator, string? Architecture, string? Machine, string VirtType);

/// <summary>The XML of an object of libvirt to which a domain refers. It never holds the value of a secret.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Name">The name; of a secret the UUID.</param>
/// <param name="Xml">The XML.</param>
public sealed record ReferredDefinition(RequirementKind Kind, string Name, string Xml);

/// <summary>The changes that adapt a definition to another host.</summary>
public sealed record HostEdit
{
    public static readonly HostEdit None = new();

    /// <summary>The new networks of interfaces, by the name of the old network, bridge or device.</summary>
    public IReadOnlyDictionary<string, string> Networks { get; init; } = new Dictionary<string, string>();

    /// <summary>CD-ROM and floppy drives lose their media.</summary>
    public bool RemovesMedia { get; init; }

    /// <summary>The new emulator; null keeps it.</summary>
    public string? Emulator { get; init; }

    /// <summary>The new machine type; null keeps it.</summary>
    public string? Machine { get; init; }

    public bool IsEmpty => Networks.Count == 0 && !RemovesMedia && Emulator is null && Machine is null;
}
