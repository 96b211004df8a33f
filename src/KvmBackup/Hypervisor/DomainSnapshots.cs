using System.Xml;
using System.Xml.Linq;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>Reads libvirt's records of a domain's snapshots, and restores them.</summary>
public sealed class DomainSnapshots(Virsh virsh)
{
    /// <param name="domain">The domain.</param>
    /// <param name="names">The names of its snapshots.</param>
    /// <param name="cancellationToken">Cancels between two of them.</param>
    /// <returns>The snapshots, each after its parent: the order in which libvirt accepts them again.</returns>
    /// <exception cref="HypervisorException">libvirt reported an error.</exception>
    public async Task<IReadOnlyList<DomainSnapshot>> ReadAsync(
        DomainIdentity domain, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        if (names.Count == 0)
        {
            return [];
        }

        // It fails when no snapshot is current.
        ProgramResult current = await virsh.RunAsync(
            virsh.Call("snapshot-current", "--name", "--domain", domain.Uuid.ToString()), cancellationToken);
        string? currentName = current.IsSuccess ? current.StandardOutput.TrimEnd('\n') : null;
        List<(DomainSnapshot Snapshot, string? Parent)> snapshots = [];
        foreach (string name in names)
        {
            string text = await virsh.RunCheckedAsync(
                virsh.Call(
                    "snapshot-dumpxml", "--security-info", "--snapshotname", name, "--domain", domain.Uuid.ToString()),
                $"{domain.Name}: reading the snapshot {name}", cancellationToken);
            XElement xml = Parse(name, text);
            snapshots.Add((
                new DomainSnapshot(name, name == currentName, FilesOf(xml), text),
                xml.Element("parent")?.Element("name")?.Value));
        }

        return ParentsFirst(snapshots);
    }

    private static List<DomainSnapshot> ParentsFirst(List<(DomainSnapshot Snapshot, string? Parent)> snapshots)
    {
        List<DomainSnapshot> ordered = [];
        while (snapshots.Count > 0)
        {
            // The root's parent is null; one that is gone does not come back.
            int next = snapshots.FindIndex(one => snapshots.TrueForAll(other => other.Snapshot.Name != one.Parent));
            ordered.Add(snapshots[Math.Max(next, 0)].Snapshot);
            snapshots.RemoveAt(Math.Max(next, 0));
        }

        return ordered;
    }

    private static XElement Parse(string name, string xml)
    {
        try
        {
            return BoundedXml.Parse(xml);
        }
        catch (XmlException failure)
        {
            throw new HypervisorException(
                $"The XML of the snapshot {name} cannot be read: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    private static IReadOnlyList<string> FilesOf(XElement snapshot) =>
    [
        .. snapshot.Elements("disks").Elements("disk").Where(disk => disk.Attribute("snapshot")?.Value == "external")
            .Select(DomainXml.PathOf).OfType<string>(),
        .. snapshot.Elements("memory").Attributes("file").Select(file => file.Value),
    ];
}
