using KvmBackup.Model;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>
/// The image that libvirt keeps of a guest's memory after <c>virsh managedsave</c>. The next start resumes the guest from it, on
/// the disks that the image names.
/// </summary>
public sealed class ManagedSave(Virsh virsh)
{
    private const string Absent = "does not have managed save image";

    public ProgramCall RemoveCall(DomainIdentity domain) =>
        virsh.Call("managedsave-remove", "--domain", domain.Uuid.ToString());

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

    private static bool IsAbsent(ProgramResult result) => result.Complaint.Contains(Absent, StringComparison.Ordinal);
}
