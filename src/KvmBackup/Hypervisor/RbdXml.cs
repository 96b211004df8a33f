using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>Reads the RBD image of a disk from a domain's XML.</summary>
internal static partial class RbdXml
{
    private const string Devices = "/dev/rbd";

    /// <returns>The image; null when the disk has none, or the image name is invalid.</returns>
    public static RbdSource? Find(XElement disk)
    {
        if (disk.Element("source") is not { } source || source.Attribute("protocol")?.Value != "rbd"
            || source.Attribute("name")?.Value is not { } name || TryParse(name) is not { } image)
        {
            return null;
        }

        // Old definitions have the authentication beside the source.
        XElement? auth = source.Element("auth") ?? disk.Element("auth");
        return new RbdSource(
            image,
            [.. source.Elements("host").Select(Address).OfType<string>()],
            auth?.Attribute("username")?.Value,
            Guid.TryParse(auth?.Element("secret")?.Attribute("uuid")?.Value, out Guid secret) ? secret : null);
    }

    /// <summary>Whether the disk is a device of the kernel's RBD driver.</summary>
    public static bool IsMapped(XElement disk) => disk.Attribute("type")?.Value == "block"
        && DomainXml.PathOf(disk) is { } path && Device().IsMatch(path);

    /// <summary>The name that udev gives a mapped image.</summary>
    public static string DevicePathOf(RbdImage image) => $"{Devices}/{image.Spec}";

    private static RbdImage? TryParse(string name)
    {
        try
        {
            return RbdImage.Parse(name);
        }
        catch (ModelException)
        {
            return null;
        }
    }

    [GeneratedRegex("^/dev/rbd[0-9/]")]
    private static partial Regex Device();

    private static string? Address(XElement host)
    {
        string? name = host.Attribute("name")?.Value;
        string? port = host.Attribute("port")?.Value;
        string? address = name is not null && name.Contains(':', StringComparison.Ordinal) && name[0] != '['
            ? $"[{name}]" : name;
        return address is null || port is null ? address : $"{address}:{port}";
    }
}
