using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>
/// Finds the parts of a definition that reach beyond the guest's own disks and need a review before it is defined.
/// </summary>
public static class DefinitionRisks
{
    private const string QemuNamespace = "http://libvirt.org/schemas/domain/qemu/1.0";

    /// <param name="xml">The XML of a domain, from a backup.</param>
    /// <param name="inBackup">The disks that the backup contains, or lists as skipped.</param>
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public static IEnumerable<string> Find(string xml, IReadOnlyCollection<DiskTarget> inBackup)
    {
        XElement domain = DomainXml.Parse(xml);
        HashSet<string> extensions = [.. domain.Elements()
            .Where(element => element.Name.NamespaceName == QemuNamespace).Select(element => element.Name.LocalName)];
        if (extensions.Remove("commandline"))
        {
            yield return "the definition passes extra arguments to QEMU (qemu:commandline), which may open any file "
                + "of this host: read them before the domain starts";
        }

        // It only selects how QEMU handles deprecated features.
        extensions.Remove("deprecation");
        foreach (string extension in extensions.Order(StringComparer.Ordinal))
        {
            yield return $"the definition changes how libvirt starts QEMU (qemu:{Printable(extension)}): read it "
                + "before the domain starts";
        }

        foreach (DiskFacts disk in DomainXml.Disks(domain).Where(
            disk => disk.Device is "disk" or "lun" && disk.SourceType != DiskSourceType.None
                && !inBackup.Contains(disk.Target)))
        {
            yield return $"disk {disk.Target} ({Printable(disk.SourceName)}) is in the definition "
                + "but not in this backup: the domain would use the current content of that disk";
        }

        foreach (string path in DomainXml.Devices(domain, "interface")
            .Select(card => card.Element("script")?.Attribute("path")?.Value).OfType<string>())
        {
            yield return $"the definition runs the program {Printable(path)} of this host for a network card";
        }

        foreach (string path in DomainXml.Devices(domain, "emulator").Select(emulator => emulator.Value.Trim())
            .Where(path => path.Length > 0 && !path.StartsWith("/usr/", StringComparison.Ordinal)))
        {
            yield return $"the definition names {Printable(path)} as its emulator, a program outside of /usr";
        }

        foreach (string path in DomainXml.Devices(domain, "filesystem")
            .Select(folder => folder.Element("source")?.Attribute("dir")?.Value).OfType<string>())
        {
            yield return $"the definition gives the guest the folder {Printable(path)} of this host";
        }
    }

    private static string Printable(string text) =>
        string.Concat(text.Select(letter => char.IsControl(letter) ? $"\\u{(int)letter:x4}" : letter.ToString()));
}
