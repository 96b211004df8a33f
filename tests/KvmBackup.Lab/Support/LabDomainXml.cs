using System.Xml.Linq;

namespace KvmBackup.Lab.Support;

/// <summary>Writes the libvirt definition of a lab guest.</summary>
public static class LabDomainXml
{
    /// <param name="options">The options of the lab's init script.</param>
    public static string Write(
        LabGuestSpecification guest, string options, string serialPath, Func<LabDisk, string> pathOf)
    {
        XElement devices = new(
            "devices",
            new XElement("emulator", LabEnvironment.EmulatorPath),
            guest.Disks.Select(disk => Disk(disk, pathOf)));
        devices.Add(
            new XElement("serial", new XAttribute("type", "file"), Source("path", serialPath)),
            guest.Agent == LabAgent.None ? null : Channel("org.qemu.guest_agent.0"),
            Channel("kvmbackup.lab.0"),
            guest.MacAddress is { } address ? Interface(address) : null,
            new XElement("memballoon", new XAttribute("model", "none")));
        return new XElement(
            "domain",
            new XAttribute("type", LabEnvironment.DomainType),
            new XElement("name", guest.Name),
            new XElement("memory", new XAttribute("unit", "MiB"), guest.MemoryMebibytes),
            new XElement("vcpu", 1),
            new XElement(
                "os",
                new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", "q35"), "hvm"),
                guest.NamesKernel ? new XElement("kernel", LabEnvironment.KernelPath) : null,
                guest.NamesKernel ? new XElement("initrd", LabEnvironment.InitrdPath) : null,
                new XElement("cmdline", $"{QuickBoot} {options}")),
            new XElement("features", new XElement("acpi")),
            devices).ToString();
    }

    /// <summary>Disables slow parts of the boot of an emulated guest: probes, self tests and mitigations.</summary>
    private const string QuickBoot =
        "console=ttyS0 quiet mitigations=off nokaslr no_timer_check tsc=reliable random.trust_cpu=on cryptomgr.notests "
        + "audit=0 8250.nr_uarts=1";

    /// <summary>The options of the lab's init script.</summary>
    public static string Options(LabGuestSpecification guest) =>
        $"lab.agent={guest.Agent.ToString().ToLowerInvariant()} lab.work={guest.Workload} " +
        $"lab.pair={guest.PairDisks.First},{guest.PairDisks.Second}";

    private static XElement Disk(LabDisk disk, Func<LabDisk, string> pathOf)
    {
        string bus = disk.Device switch { "cdrom" => "sata", "floppy" => "fdc", _ => "virtio" };
        return new XElement(
            "disk",
            new XAttribute(
                "type", disk.Pool is not null ? "volume"
                    : disk.Rbd is null ? "file" : disk.IsMapped ? "block" : "network"),
            new XAttribute("device", disk.Device),
            new XElement(
                "driver",
                new XAttribute("name", "qemu"),
                new XAttribute("type", disk.Rbd is null ? disk.Format : "raw"),
                disk.ErrorPolicy is { } policy ? new XAttribute("error_policy", policy) : null),
            disk switch
            {
                { IsEmpty: true } => null,
                { Rbd: { } image, IsMapped: true } => Source("dev", LabKernelDriver.PathOf(image)),
                { Rbd: { } image } => RbdSource(image),
                { Pool: { } pool } => new XElement(
                    "source", new XAttribute("pool", pool), new XAttribute("volume", Path.GetFileName(pathOf(disk)))),
                _ => Source("file", pathOf(disk)),
            },
            new XElement("target", new XAttribute("dev", disk.Target), new XAttribute("bus", bus)),
            disk.IsReadOnly ? new XElement("readonly") : null,
            disk.IsShareable ? new XElement("shareable") : null);
    }

    private static XElement RbdSource(LabRbdImage image) =>
        new(
            "source",
            new XAttribute("protocol", "rbd"),
            new XAttribute("name", image.Specification),
            new XElement("host", new XAttribute("name", LabCeph.Host), new XAttribute("port", LabCeph.Port)),
            new XElement(
                "auth",
                new XAttribute("username", LabCeph.User),
                new XElement("secret", new XAttribute("type", "ceph"), new XAttribute("uuid", LabCeph.SecretUuid))));

    private static XElement Channel(string name) =>
        new(
            "channel",
            new XAttribute("type", "unix"),
            new XElement("target", new XAttribute("type", "virtio"), new XAttribute("name", name)));

    private static XElement Interface(string address) =>
        new(
            "interface",
            new XAttribute("type", "user"),
            new XElement("mac", new XAttribute("address", address)),
            new XElement("model", new XAttribute("type", "virtio")));

    private static XElement Source(string attribute, string value) => new("source", new XAttribute(attribute, value));
}
