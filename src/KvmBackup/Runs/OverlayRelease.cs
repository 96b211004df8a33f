using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Model;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>
/// Brings one disk from its overlay to its base, whether the guest runs or was shut off meanwhile, and removes the overlay
/// once nothing needs it.
/// </summary>
public sealed class OverlayRelease(
    LibvirtHost host, OverlayCommit commit, DomainDefiner definer, QemuImage images, ILogger log)
{
    private const int OfflineAttempts = 3;

    /// <param name="domain">The domain.</param>
    /// <param name="overlay">The overlay as it was planned.</param>
    /// <param name="identity">The file as it was when the overlay was made; null when that was never seen.</param>
    /// <param name="limit">How long the commit may take.</param>
    /// <param name="reached">Told each step.</param>
    /// <exception cref="KvmBackupException">The disk is still on its overlay, or the file could not be removed.</exception>
    public async Task ReleaseAsync(DomainFacts domain, PlannedOverlay overlay, FileIdentity? identity, TimeSpan limit, Action<JobStep> reached)
    {
        // Never cancelled: an interrupted run ends with the guest on its own disk. The limit bounds it. A guest that is
        // started in the middle has its overlay again, and is released as a running one in the next round.
        int attempts = 0;
        while (!await commit.TryReleaseAsync(domain, overlay, limit, reached, CancellationToken.None))
        {
            log.Warning("{Domain}: no guest uses {Target} any more; committing it offline", domain.Name, overlay.Target);

            if (await TryCommitOfflineAsync(domain, overlay, isLast: ++attempts == OfflineAttempts))
            {
                reached(JobStep.OnBase);
                break;
            }
        }

        await RemoveAsync(domain.Identity, overlay, identity);
    }

    /// <summary>Makes the definition of a shut-off domain name the base again, as it did before the backup.</summary>
    public Task PutOnBaseAsync(DomainIdentity domain, PlannedOverlay overlay) => definer.PutOnBaseAsync(
        domain, overlay, LocalFile.IsBlockDevice(overlay.BasePath), CancellationToken.None);

    /// <summary>Removes an overlay that no definition names any more.</summary>
    /// <exception cref="KvmBackupException">It is another file, or somebody has it open.</exception>
    public async Task RemoveAsync(DomainIdentity domain, PlannedOverlay overlay, FileIdentity? identity)
    {
        if (Path.Exists(overlay.OverlayPath))
        {
            await PutSavedOnBaseAsync(domain, overlay);
            await images.EnsureUnusedAsync(overlay.OverlayPath, CancellationToken.None);
            OverlayFile.Remove(overlay.OverlayPath, identity);
        }
    }

    /// <summary>
    /// A guest whose memory was saved during the backup resumes on the disks that the image of its memory names: those must be
    /// its own before an overlay goes.
    /// </summary>
    private async Task PutSavedOnBaseAsync(DomainIdentity domain, PlannedOverlay overlay)
    {
        if (await host.StateAsync(domain, CancellationToken.None) == DomainState.ShutOff
            && await definer.IsSavedOnAsync(domain, overlay, CancellationToken.None))
        {
            // Once more if it was done already, for a run can have died in between: a committed overlay is empty.
            await images.CommitAsync(overlay.OverlayPath, overlay.BasePath, CancellationToken.None);
            await definer.PutSavedOnBaseAsync(domain, overlay, LocalFile.IsBlockDevice(overlay.BasePath), CancellationToken.None);
            log.Information("{Domain}: {Target}: the saved memory names the base again", domain.Name, overlay.Target);
        }
    }

    /// <returns>False when the guest was started meanwhile: it is released as a running one then.</returns>
    private async Task<bool> TryCommitOfflineAsync(DomainFacts domain, PlannedOverlay overlay, bool isLast)
    {
        try
        {
            // The image locks of QEMU keep a guest that starts at this moment from the files, and us from its files.
            await images.CommitAsync(overlay.OverlayPath, overlay.BasePath, CancellationToken.None);
            await PutOnBaseAsync(domain.Identity, overlay);
            await PutSavedOnBaseAsync(domain.Identity, overlay);
            if (await commit.IsOnBaseAsync(domain, overlay, CancellationToken.None))
            {
                return true;
            }
        }
        catch (KvmBackupException failure) when (!isLast)
        {
            log.Warning("{Domain}: {Message}", domain.Name, failure.Message);
            return false;
        }

        return !isLast ? false : throw new RunsException(
            $"{domain.Name}: disk {overlay.Target} left its base again while it was released; "
            + $"the overlay {overlay.OverlayPath} stays. Look with: virsh domblklist {domain.Uuid}",
            ExitCode.GuestNeedsPerson);
    }
}
