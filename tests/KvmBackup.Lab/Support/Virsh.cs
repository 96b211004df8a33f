using System.Globalization;
using System.Xml.Linq;

namespace KvmBackup.Lab.Support;

/// <summary>Calls of virsh that are independent of the code under test.</summary>
public static class Virsh
{
    /// <summary>Runs virsh against the lab's libvirt and fails the test when it fails.</summary>
    public static async Task<string> RunAsync(params IEnumerable<string> arguments) =>
        (await TryAsync(arguments)).MustSucceed().Output;

    /// <summary>Runs virsh and returns the outcome, also of a failure.</summary>
    public static Task<Outcome> TryAsync(params IEnumerable<string> arguments) =>
        RunningProgram.RunAsync("virsh", ["--quiet", "--connect", "qemu:///system", .. arguments]);

    public static async Task<XElement> LiveXmlAsync(string domain) =>
        XElement.Parse(await RunAsync("dumpxml", "--domain", domain));

    public static async Task<XElement> InactiveXmlAsync(string domain) =>
        XElement.Parse(await RunAsync("dumpxml", "--inactive", "--domain", domain));

    public static async Task<string> StateAsync(string domain) => (await RunAsync("domstate", domain)).Trim();

    public static async Task<bool> ExistsAsync(string domain) =>
        (await RunAsync("list", "--all", "--name")).Split('\n').Contains(domain);

    /// <summary>The source of each disk with a medium, by target: a file's or device's path, or
    /// <c>rbd:pool/image</c>.</summary>
    public static IReadOnlyDictionary<string, string> SourcesIn(XElement domain) =>
        domain.Descendants("disk")
            .Select(disk => (Target: disk.Element("target")!.Attribute("dev")!.Value, Source: SourceOf(disk)))
            .Where(disk => disk.Source is not null)
            .ToDictionary(disk => disk.Target, disk => disk.Source!);

    /// <summary>The CPU time of the guest since its start.</summary>
    public static async Task<TimeSpan> ProcessorTimeAsync(string domain)
    {
        string line = (await RunAsync("domstats", "--cpu-total", domain))
            .Split('\n').Single(text => text.Contains("cpu.time=", StringComparison.Ordinal));
        return TimeSpan.FromMicroseconds(long.Parse(line.Split('=')[1], CultureInfo.InvariantCulture) / 1000.0);
    }

    private static string? SourceOf(XElement disk)
    {
        XElement? source = disk.Element("source");
        return source?.Attribute("protocol") is { Value: string protocol }
            ? $"{protocol}:{source.Attribute("name")!.Value}"
            : (source?.Attribute("file") ?? source?.Attribute("dev"))?.Value;
    }
}
