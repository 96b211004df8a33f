using System.Xml.Linq;

namespace KvmBackup.Lab.Support;

/// <summary>
/// A network of the lab's libvirt on a bridge of the lab, with a network filter that includes another one. The filters
/// have no rules, since the lab has no programs of a firewall.
/// </summary>
public static class LabNetwork
{
    public const string Name = "lab lan";
    public const string Filter = "lab outer";
    private const string Inner = "lab inner";
    private const string Bridge = "labbr0";

    /// <summary>Creates the bridge, the filters and the network, which is active.</summary>
    public static async Task CreateAsync()
    {
        (await RunningProgram.RunAsync("sh", "-c", $"ip link add {Bridge} type bridge && ip link set {Bridge} up"))
            .MustSucceed();
        await DefineAsync("nwfilter-define", $"<filter name='{Inner}'/>");
        await DefineAsync("nwfilter-define", $"<filter name='{Filter}'><filterref filter='{Inner}'/></filter>");
        await DefineAsync(
            "net-define",
            $"<network><name>{Name}</name><forward mode='bridge'/><bridge name='{Bridge}'/></network>");
        await Virsh.RunAsync("net-start", Name);
    }

    /// <summary>Removes what a lost host has lost; the bridge stays.</summary>
    public static async Task LoseAsync()
    {
        await Virsh.RunAsync("net-destroy", Name);
        await Virsh.RunAsync("net-undefine", Name);
        await Virsh.RunAsync("nwfilter-undefine", Filter);
        await Virsh.RunAsync("nwfilter-undefine", Inner);
    }

    /// <summary>Removes whatever is there, for the next test.</summary>
    public static async Task RemoveAsync()
    {
        await Virsh.TryAsync("net-destroy", Name);
        await Virsh.TryAsync("net-undefine", Name);
        await Virsh.TryAsync("nwfilter-undefine", Filter);
        await Virsh.TryAsync("nwfilter-undefine", Inner);
        _ = await RunningProgram.RunAsync("ip", "link", "delete", Bridge);
    }

    /// <summary>Connects a guest that is shut off to the network, and adds other devices.</summary>
    public static async Task ConnectAsync(LabGuest guest, params IEnumerable<string> devices)
    {
        XElement domain = await guest.InactiveXmlAsync();
        domain.Element("devices")!.Add(
            devices.Prepend($"<interface type='network'><source network='{Name}'/><model type='virtio'/>"
                + $"<filterref filter='{Filter}'/></interface>").Select(XElement.Parse));
        await DefineAsync("define", domain.ToString());
    }

    /// <summary>Defines an object of libvirt.</summary>
    public static async Task DefineAsync(string command, string xml)
    {
        string path = Path.Combine(LabEnvironment.NewDirectory("definition"), "definition.xml");
        await File.WriteAllTextAsync(path, xml);
        await Virsh.RunAsync(command, path);
    }
}
