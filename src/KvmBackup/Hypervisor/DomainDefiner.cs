using System.Text;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>Defines and starts domains.</summary>
public sealed class DomainDefiner(Virsh virsh)
{
    /// <summary>The images of guests' saved memory.</summary>
    public ManagedSave Saved { get; } = new(virsh);

    /// <exception cref="HypervisorException">libvirt refused the XML.</exception>
    public Task DefineAsync(DomainName name, string xml, CancellationToken cancellationToken) =>
        DefineAsync(xml, filePath => virsh.Call("define", filePath), $"{name}: defining the domain", cancellationToken);

    private async Task DefineAsync(
        string xml, Func<string, ProgramCall> call, string purpose, CancellationToken cancellationToken)
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
        await file.WriteAsync(new UTF8Encoding(false).GetBytes(xml), cancellationToken);
        await file.FlushAsync(cancellationToken);
        string nameless = $"/proc/{Environment.ProcessId}/fd/{file.SafeFileHandle.DangerousGetHandle()}";
        await virsh.AskAsync(call(nameless), purpose, cancellationToken);
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

    /// <summary>Whether the guest's memory was saved while its disk was on the overlay: a resume opens the overlay.</summary>
    public async Task<bool> IsSavedOnAsync(
        DomainIdentity domain, PlannedOverlay overlay, CancellationToken cancellationToken) =>
        await Saved.ReadAsync(domain, cancellationToken) is { } xml && SourceIn(xml, overlay) == overlay.OverlayPath;

    /// <summary>Points one disk in the image of a guest's saved memory from its overlay back to its base.</summary>
    /// <param name="isBlockDevice">The base is a device rather than a file.</param>
    /// <exception cref="HypervisorException">The image still names the overlay, which must stay.</exception>
    public async Task PutSavedOnBaseAsync(
        DomainIdentity domain, PlannedOverlay overlay, bool isBlockDevice, CancellationToken cancellationToken)
    {
        if (await Saved.ReadAsync(domain, cancellationToken) is not { } xml)
        {
            return;
        }

        await DefineAsync(
            DomainXmlEditor.PutOnBase(xml, overlay, isBlockDevice),
            filePath => virsh.Call("managedsave-define", "--domain", domain.Uuid.ToString(), filePath),
            $"{domain.Name}: disk {overlay.Target}: writing its base into the image of the guest's saved memory", cancellationToken);
        if (await Saved.ReadAsync(domain, cancellationToken) is { } after && SourceIn(after, overlay) is var source
            && source != overlay.BasePath)
        {
            throw new HypervisorException(
                $"{domain.Name}: disk {overlay.Target}: the image of the guest's saved memory names {source ?? "nothing"} and not the "
                + $"base {overlay.BasePath}: the overlay {overlay.OverlayPath} stays. To retry: kvmbackup recover",
                ExitCode.ManualActionRequired);
        }
    }

    /// <summary>Whether the domain is started with the host.</summary>
    public async Task SetAutostartAsync(DomainName name, bool isOn, CancellationToken cancellationToken) => await virsh.AskAsync(
        virsh.Call(["autostart", .. isOn ? Array.Empty<string>() : ["--disable"], "--domain", name.Value]),
        $"{name}: setting its autostart", cancellationToken);

    /// <param name="discardsSaved">An image of saved memory is removed rather than resumed.</param>
    public async Task StartAsync(DomainName name, bool discardsSaved, CancellationToken cancellationToken) =>
        await virsh.AskAsync(
            virsh.Call(["start", .. discardsSaved ? ["--force-boot"] : Array.Empty<string>(), "--domain", name.Value]),
            $"{name}: starting the domain", cancellationToken);

    private static string? SourceIn(string xml, PlannedOverlay overlay) =>
        DomainXml.DiskStates(DomainXml.Parse(xml)).GetValueOrDefault(overlay.Target)?.SourcePath;
}
