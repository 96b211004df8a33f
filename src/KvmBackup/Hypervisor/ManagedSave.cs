using KvmBackup.Model;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>
/// Stops a guest with its memory in a file that libvirt manages, and lets it go on from there. Whoever starts the domain,
/// a person, the host's boot or we, starts it from that file, running or paused as it was.
/// </summary>
public sealed class ManagedSave(Virsh virsh)
{
    /// <summary>Where libvirt of the system writes these files.</summary>
    public const string DirectoryPath = "/var/lib/libvirt/qemu/save";

    // A slow disk; the limit is for a save that hangs.
    private const long SlowestBytesPerSecond = 10 << 20;
    private const long MarginBytes = 128 << 20;

    /// <summary>How large the file may get: the memory, and the state of the devices.</summary>
    /// <exception cref="HypervisorException">The definition cannot be read.</exception>
    public static long LargestBytes(DomainFacts domain) => DomainXml.MemoryBytes(domain.Definition.Live) + MarginBytes;

    /// <exception cref="KvmBackupException">It failed, or took too long; then it was asked to stop, and the guest goes on.</exception>
    public async Task SaveAsync(DomainFacts domain, CancellationToken cancellationToken)
    {
        ProgramCall call = Call("managedsave", domain.Identity) with
        {
            Timeout = TimeSpan.FromSeconds(120 + (LargestBytes(domain) / SlowestBytesPerSecond)),
        };
        try
        {
            await virsh.AskAsync(call, $"{domain.Name}: saving the guest", cancellationToken);
        }
        catch (ShellException)
        {
            // libvirt would go on without its client. When the save has ended since, there is nothing to abort.
            _ = await virsh.RunAsync(Call("domjobabort", domain.Identity), cancellationToken);
            throw;
        }
    }

    /// <summary>Whether the next start of a domain goes on from a file.</summary>
    /// <exception cref="HypervisorException">libvirt does not answer.</exception>
    public async Task<bool> ExistsAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        string text = await virsh.AskAsync(
            virsh.Call("--quiet", "list", "--all", "--with-managed-save", "--uuid"), "Listing the saved domains", cancellationToken);
        return text.Split('\n', StringSplitOptions.TrimEntries).Contains(domain.Uuid.ToString());
    }

    /// <summary>Points one disk of the saved guest from its overlay to its base, which must have the same content.</summary>
    /// <exception cref="HypervisorException">libvirt refused it.</exception>
    public async Task PutOnBaseAsync(
        DomainIdentity domain, PlannedOverlay overlay, bool isBlockDevice, CancellationToken cancellationToken)
    {
        string xml = await virsh.AskAsync(
            Call("managedsave-dumpxml", domain, "--security-info"), $"{domain.Name}: reading the saved definition", cancellationToken);
        await DomainDefiner.UseFileAsync(DomainXmlEditor.PutOnBase(xml, overlay, isBlockDevice), filePath => virsh.AskAsync(
            Call("managedsave-define", domain, "--xml", filePath), $"{domain.Name}: changing the saved definition",
            cancellationToken));
    }

    /// <summary>The call that lets the guest go on.</summary>
    public ProgramCall StartCall(DomainIdentity domain) => Call("start", domain) with { Timeout = TimeSpan.FromMinutes(30) };

    /// <exception cref="KvmBackupException">It does not start.</exception>
    public async Task StartAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        await virsh.AskAsync(StartCall(domain), $"{domain.Name}: starting the saved guest", cancellationToken);

    private ProgramCall Call(string command, DomainIdentity domain, params string[] more) =>
        virsh.Call([command, "--domain", domain.Uuid.ToString(), .. more]);
}
