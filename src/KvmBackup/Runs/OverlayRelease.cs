using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Model;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>
/// Brings one disk from its overlay to its base, whether the guest runs or was shut off meanwhile, and removes the overlay
/// once nothing needs it.
/// </summary>
public sealed class OverlayRelease(OverlayCommit commit, DomainDefiner definer, QemuImage images, ILogger log)
{
    /// <param name="domain">The domain.</param>
    /// <param name="overlay">The overlay as it was planned.</param>
    /// <param name="identity">The file as it was when the overlay was made; null when that was never seen.</param>
    /// <param name="limit">How long the commit may take.</param>
    /// <param name="reached">Told each step.</param>
    /// <exception cref="KvmBackupException">The disk is still on its overlay, or the file could not be removed.</exception>
    public async Task ReleaseAsync(DomainFacts domain, PlannedOverlay overlay, FileIdentity? identity, TimeSpan limit, Action<JobStep> reached)
    {
        // Never cancelled: an interrupted run ends with the guest on its own disk. The limit bounds it.
        if (!await commit.TryReleaseAsync(domain, overlay, limit, reached, CancellationToken.None))
        {
            log.Warning("{Domain}: shut off during the backup; committing {Target} offline", domain.Name, overlay.Target);

            // The image locks of QEMU keep a guest that starts at this moment from the files, and us from its files.
            await images.CommitAsync(overlay.OverlayPath, overlay.BasePath, CancellationToken.None);
            await definer.MoveDiskAsync(domain.Identity, overlay.Target, overlay.BasePath, CancellationToken.None);
            await EnsureOnBaseAsync(domain, overlay);
            reached(JobStep.OnBase);
        }

        await RemoveAsync(overlay, identity);
    }

    /// <summary>Removes an overlay that no definition names any more.</summary>
    /// <exception cref="KvmBackupException">It is another file, or somebody has it open.</exception>
    public async Task RemoveAsync(PlannedOverlay overlay, FileIdentity? identity)
    {
        if (Path.Exists(overlay.OverlayPath))
        {
            await images.EnsureUnusedAsync(overlay.OverlayPath, CancellationToken.None);
            OverlayFile.Remove(overlay.OverlayPath, identity);
        }
    }

    private async Task EnsureOnBaseAsync(DomainFacts domain, PlannedOverlay overlay)
    {
        if (!await commit.IsOnBaseAsync(domain, overlay, CancellationToken.None))
        {
            throw new RunsException(
                $"{domain.Name}: disk {overlay.Target} left its base again while it was released; "
                + $"the overlay {overlay.OverlayPath} stays. Look with: virsh domblklist {domain.Uuid}",
                ExitCode.GuestNeedsPerson);
        }
    }
}
