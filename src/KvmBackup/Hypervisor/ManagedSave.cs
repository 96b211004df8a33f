using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>
/// The image that libvirt keeps of a guest's memory after <c>virsh managedsave</c>. The next start resumes the guest from it, on
/// the disks that the image names.
/// </summary>
public sealed class ManagedSave(Virsh virsh)
{
    /// <summary>Where libvirt of the system writes these files.</summary>
    public const string DirectoryPath = "/var/lib/libvirt/qemu/save";

    // A slow disk; the limit is for a save that hangs.
    private const long SlowestBytesPerSecond = 10 << 20;
    private const long MarginBytes = 128 << 20;
    private const string Absent = "does not have managed save image";

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

    /// <summary>The call that lets the guest go on.</summary>
    public ProgramCall StartCall(DomainIdentity domain) => Call("start", domain) with { Timeout = TimeSpan.FromMinutes(30) };

    /// <exception cref="KvmBackupException">It does not start.</exception>
    public async Task StartAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        await virsh.AskAsync(StartCall(domain), $"{domain.Name}: starting the saved guest", cancellationToken);

    public ProgramCall RemoveCall(DomainIdentity domain) => Call("managedsave-remove", domain);

    /// <summary>Whether the next start resumes the guest from an image. One that cannot be read counts.</summary>
    public Task<bool> ExistsAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        ExistsAsync(domain.Uuid.ToString(), cancellationToken);

    /// <inheritdoc cref="ExistsAsync(DomainIdentity, CancellationToken)"/>
    public Task<bool> ExistsAsync(DomainName name, CancellationToken cancellationToken) =>
        ExistsAsync(name.Value, cancellationToken);

    private async Task<bool> ExistsAsync(string domain, CancellationToken cancellationToken)
    {
        ProgramResult result = await virsh.RunAsync(ReadCall(domain), cancellationToken);
        return result.IsSuccess || !IsAbsent(result);
    }

    /// <summary>The domain's XML within the image; null when there is no image.</summary>
    /// <exception cref="HypervisorException">The image cannot be read.</exception>
    public async Task<string?> ReadAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        ProgramResult result = await virsh.RunAsync(ReadCall(domain.Uuid.ToString()), cancellationToken);
        return result.IsSuccess ? result.StandardOutput
            : IsAbsent(result) ? null
            : throw new HypervisorException(
                $"{domain.Name}: reading the image of its saved memory failed: virsh said: {result.Complaint}");
    }

    /// <summary>Removes the image that the domain has by its own flag; one of an earlier domain of that name stays.</summary>
    public Task RemoveAsync(DomainIdentity domain, CancellationToken cancellationToken) => virsh.AskAsync(
        RemoveCall(domain), $"{domain.Name}: removing the image of its saved memory", cancellationToken);

    // Neither dominfo nor managedsave-remove knows of an image that an undefined domain of the same name has left, from which
    // start resumes all the same (libvirt 9.0). This call reads whatever file start would read.
    private ProgramCall ReadCall(string domain) =>
        virsh.Call("managedsave-dumpxml", "--security-info", "--domain", domain);

    private ProgramCall Call(string command, DomainIdentity domain) => virsh.Call(command, "--domain", domain.Uuid.ToString());

    private static bool IsAbsent(ProgramResult result) => result.Complaint.Contains(Absent, StringComparison.Ordinal);
}
