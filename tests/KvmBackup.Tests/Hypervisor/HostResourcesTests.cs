using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

/// <summary>Devices and files of the host, in a folder in the place of sysfs.</summary>
public sealed class HostResourcesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(RequirementKind.Bridge, "br0", true), InlineData(RequirementKind.Bridge, "br1", false)]
    [InlineData(RequirementKind.NetworkDevice, "br0", true), InlineData(RequirementKind.NetworkDevice, "e", false)]
    [InlineData(RequirementKind.Pci, "0000:01:00.0", true), InlineData(RequirementKind.Pci, "0000:02:00.0", false)]
    [InlineData(RequirementKind.Usb, "0951:1625", true), InlineData(RequirementKind.Usb, "0951:1626", false)]
    [InlineData(RequirementKind.Medium, "/", true), InlineData(RequirementKind.Medium, "/absent/a.iso", false)]
    [InlineData(RequirementKind.Folder, "/", true), InlineData(RequirementKind.Folder, "/absent", false)]
    [InlineData(RequirementKind.Firmware, "/absent", false), InlineData(RequirementKind.Network, "lan", true)]
    public void A_resource_is_found_by_its_name(RequirementKind kind, string name, bool isThere)
    {
        Directory.CreateDirectory(folder.PathOf("class", "net", "br0"));
        Directory.CreateDirectory(folder.PathOf("bus", "pci", "devices", "0000:01:00.0"));
        string device = Directory.CreateDirectory(folder.PathOf("bus", "usb", "devices", "1-1")).FullName;
        Directory.CreateDirectory(folder.PathOf("bus", "usb", "devices", "usb1"));
        File.WriteAllText(Path.Combine(device, "idVendor"), "0951\n");
        File.WriteAllText(Path.Combine(device, "idProduct"), "1625\n");

        Assert.Equal(isThere, new HostResources(folder.DirectoryPath).Has(new HostRequirement(kind, name)));
        Assert.Equal(
            isThere && kind is not (RequirementKind.Usb or RequirementKind.Pci or RequirementKind.Bridge
                or RequirementKind.NetworkDevice),
            new HostResources(folder.PathOf("empty")).Has(new HostRequirement(kind, name)));
    }
}
