namespace KvmBackup.Hypervisor;

/// <summary>Finds devices and files of this host.</summary>
/// <param name="systemPath">The mount point of sysfs.</param>
public sealed class HostResources(string systemPath = "/sys")
{
    /// <summary>Whether this host has it; true for a kind that only libvirt can determine.</summary>
    public bool Has(HostRequirement requirement) => requirement.Kind switch
    {
        RequirementKind.Bridge or RequirementKind.NetworkDevice =>
            Path.Exists(Path.Combine(systemPath, "class/net", requirement.Name)),
        RequirementKind.Pci => Path.Exists(Path.Combine(systemPath, "bus/pci/devices", requirement.Name)),
        RequirementKind.Usb => UsbDevices().Contains(requirement.Name),
        RequirementKind.Folder or RequirementKind.Medium or RequirementKind.Disk or RequirementKind.Firmware
            or RequirementKind.NvramTemplate => Path.Exists(requirement.Name),
        _ => true,
    };

    private IEnumerable<string> UsbDevices()
    {
        string folder = Path.Combine(systemPath, "bus/usb/devices");
        return !Directory.Exists(folder) ? [] : Directory.GetDirectories(folder)
            .Where(device => File.Exists(Path.Combine(device, "idVendor")))
            .Select(device => $"{Read(device, "idVendor")}:{Read(device, "idProduct")}");
    }

    private static string Read(string device, string name) => File.ReadAllText(Path.Combine(device, name)).Trim();
}
