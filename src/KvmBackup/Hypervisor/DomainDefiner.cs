using System.Text;
using KvmBackup.Model;

namespace KvmBackup.Hypervisor;

/// <summary>Defines and starts domains.</summary>
public sealed class DomainDefiner(Virsh virsh)
{
    /// <exception cref="HypervisorException">libvirt refused the XML.</exception>
    public Task DefineAsync(DomainName name, string xml, CancellationToken cancellationToken) => UseFileAsync(
        xml, filePath => virsh.AskAsync(virsh.Call("define", filePath), $"{name}: defining the domain", cancellationToken));

    /// <summary>Writes XML to a file for one call of virsh.</summary>
    internal static async Task UseFileAsync(string xml, Func<string, Task> use)
    {
        // virsh takes XML from a file only, and the XML may hold passwords: the file loses its name before anything is in it, so
        // that nothing stays behind when this program is killed.
        FileStreamOptions options = new()
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        string path = Path.Combine(Path.GetTempPath(), $"kvmbackup-{Guid.NewGuid():N}.xml");
        await using FileStream file = new(path, options);
        File.Delete(path);
        await file.WriteAsync(new UTF8Encoding(false).GetBytes(xml));
        await file.FlushAsync();
        string nameless = $"/proc/{Environment.ProcessId}/fd/{file.SafeFileHandle.DangerousGetHandle()}";
        await use(nameless);
    }

    /// <summary>Points one disk of a shut-off domain's definition from its overlay back to its base.</summary>
    /// <param name="isBlockDevice">The base is a device rather than a file.</param>
    public async Task PutOnBaseAsync(
        DomainIdentity domain, PlannedOverlay overlay, bool isBlockDevice, CancellationToken cancellationToken)
    {
        string xml = await virsh.AskAsync(
            virsh.Call("dumpxml", "--security-info", "--inactive", "--domain", domain.Uuid.ToString()),
            $"{domain.Name}: reading its definition", cancellationToken);
        if (!DomainXml.DiskStates(DomainXml.Parse(xml)).ContainsKey(overlay.Target))
        {
            // Only the running guest had it.
            return;
        }

        await DefineAsync(domain.Name, DomainXmlEditor.PutOnBase(xml, overlay, isBlockDevice), cancellationToken);
    }

    public async Task StartAsync(DomainName name, CancellationToken cancellationToken) =>
        await virsh.AskAsync(virsh.Call("start", "--domain", name.Value), $"{name}: starting the domain", cancellationToken);
}
