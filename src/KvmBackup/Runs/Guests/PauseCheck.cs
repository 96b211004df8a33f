using KvmBackup.Hypervisor;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// Notices a guest that QEMU has paused because a write failed. Its clock stands still until a person has made room and
/// resumes it: to resume it into a full file system would only pause it again, and hide why.
/// </summary>
public sealed class PauseCheck(LibvirtHost host, ILogger log)
{
    /// <returns>What a person must do; nothing when the guest is not paused for that reason.</returns>
    public async Task<IReadOnlyList<string>> FindAsync(DomainJob job) => await IsPausedAsync(job) ? [Describe(job)] : [];

    /// <summary>Whether it is; false, with a warning, when libvirt does not tell.</summary>
    public async Task<bool> IsPausedAsync(DomainJob job)
    {
        try
        {
            return await host.IsPausedByWriteErrorAsync(job.Facts.Identity, CancellationToken.None);
        }
        catch (Exception failure)
        {
            // What libvirt would not tell about the disks is a trouble of its own already.
            log.Warning("{Domain}: whether the guest was paused by a write error is not known: {Message}", job.Facts.Name, Failure.Describe(failure));
            return false;
        }
    }

    private static string Describe(DomainJob job)
    {
        IEnumerable<string> folders = job.Overlays
            .SelectMany(overlay => new[] { overlay.OverlayPath, overlay.BasePath })
            .Select(path => Path.GetDirectoryName(path)!)
            .Distinct();
        return $"{job.Facts.Name}: THE GUEST IS PAUSED: a write to one of its disks failed (I/O error), as a rule for want of "
            + $"room. See which: `virsh domblkerror {job.Facts.Uuid}` ; make room in {string.Join(" or ", folders)} ; then type: "
            + $"`virsh resume {job.Facts.Uuid}`";
    }
}
