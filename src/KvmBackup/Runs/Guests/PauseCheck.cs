using KvmBackup.Hypervisor;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// Detects a guest that QEMU has paused because a write failed. An operator must free space and resume it: an automatic
/// resume on a full file system would only pause it again and hide the cause.
/// </summary>
public sealed class PauseCheck(LibvirtHost host, ILogger log)
{
    /// <returns>The required manual action; empty when the guest is not paused for that reason.</returns>
    public async Task<IReadOnlyList<string>> FindAsync(DomainJob job) =>
        await IsPausedAsync(job) ? [Describe(job, host.CommandLine)] : [];

    /// <summary>
    /// Whether the guest is paused by a write error; false, with a warning, when libvirt reports an error.
    /// </summary>
    public async Task<bool> IsPausedAsync(DomainJob job)
    {
        try
        {
            return await host.IsPausedByWriteErrorAsync(job.Facts.Identity, CancellationToken.None);
        }
        catch (Exception failure)
        {
            // A failure of libvirt is already reported for the disks.
            log.Warning("{Domain}: checking for a pause by a write error failed: {Message}", job.Facts.Name,
                Failure.Describe(failure));
            return false;
        }
    }

    private static string Describe(DomainJob job, string virsh)
    {
        IEnumerable<string> folders = job.Overlays
            .SelectMany(overlay => new[] { overlay.OverlayPath, overlay.BasePath })
            .Select(path => Path.GetDirectoryName(path)!)
            .Distinct();
        return $"{job.Facts.Name}: THE GUEST IS PAUSED: a write to one of its disks failed (I/O error), usually "
            + $"because the file system is full. To see which disk: `{virsh} domblkerror {job.Facts.Uuid}` ; free "
            + $"space "
            + $"in {string.Join(" or ", folders)} ; then run: `{virsh} resume {job.Facts.Uuid}`";
    }
}
