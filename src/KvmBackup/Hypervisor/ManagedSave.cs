using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>
/// The image of a guest's memory that <c>virsh managedsave</c> writes. The next start resumes the guest from it, on the
/// disks that the image names.
/// </summary>
public sealed class ManagedSave(Virsh virsh)
{
    /// <summary>The folder of the system's libvirt for these files.</summary>
    public const string DirectoryPath = "/var/lib/libvirt/qemu/save";

    // The speed of a slow disk; the limit detects a save that hangs.
    private const long SlowestBytesPerSecond = 10 << 20;
    private const long MarginBytes = 128 << 20;
    private const string Absent = "does not have managed save image";

    /// <summary>The largest size of the file: the memory and the state of the devices.</summary>
    /// <exception cref="HypervisorException">The definition cannot be read.</exception>
    public static long LargestBytes(DomainFacts domain) => DomainXml.MemoryBytes(domain.Definition.Live) + MarginBytes;

    /// <exception cref="KvmBackupException">The save failed or took too long. It was then aborted, and the guest
    /// continues.</exception>
    public async Task SaveAsync(DomainFacts domain, CancellationToken cancellationToken)
    {
        ProgramCall call = Call("managedsave", domain.Identity) with
        {
            Timeout = TimeSpan.FromSeconds(120 + (LargestBytes(domain) / SlowestBytesPerSecond)),
        };
        try
        {
            await virsh.RunCheckedAsync(call, $"{domain.Name}: saving the guest", cancellationToken);
        }
        catch (ShellException)
        {
            // libvirt continues the save without its client. If the save has ended since, there is nothing to abort.
            _ = await virsh.RunAsync(Call("domjobabort", domain.Identity), cancellationToken);
            throw;
        }
    }

    /// <summary>The call that resumes the guest.</summary>
    public ProgramCall StartCall(DomainIdentity domain) =>
        Call("start", domain) with { Timeout = TimeSpan.FromMinutes(30) };

    /// <exception cref="KvmBackupException">The guest did not start.</exception>
    public async Task StartAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        await virsh.RunCheckedAsync(StartCall(domain), $"{domain.Name}: starting the saved guest", cancellationToken);

    public ProgramCall RemoveCall(DomainIdentity domain) => Call("managedsave-remove", domain);

    /// <summary>Whether the next start resumes the guest from an image. An unreadable image counts.</summary>
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
                $"{domain.Name}: reading the image of its saved memory failed: virsh reported: {result.ErrorText}");
    }

    /// <summary>Removes the domain's own image; an image of an earlier domain of that name stays.</summary>
    public Task RemoveAsync(DomainIdentity domain, CancellationToken cancellationToken) => virsh.RunCheckedAsync(
        RemoveCall(domain), $"{domain.Name}: removing the image of its saved memory", cancellationToken);

    // dominfo and managedsave-remove ignore an image that an undefined domain of the same name has left, but start
    // resumes from it (libvirt 9.0). This call reads the same file as start.
    private ProgramCall ReadCall(string domain) =>
        virsh.Call("managedsave-dumpxml", "--security-info", "--domain", domain);

    private ProgramCall Call(string command, DomainIdentity domain) =>
        virsh.Call(command, "--domain", domain.Uuid.ToString());

    private static bool IsAbsent(ProgramResult result) => result.ErrorText.Contains(Absent, StringComparison.Ordinal);
}
