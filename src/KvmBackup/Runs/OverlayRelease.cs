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
    private const int OfflineAttempts = 3;

    /// <param name="domain">The domain.</param>
    /// <param name="overlay">The overlay as it was planned.</param>
    /// <param name="identity">The file as it was when the overlay was made; null when there is none.</param>
    /// <param name="limit">How long the commit may take.</param>
    /// <exception cref="KvmBackupException">The disk is still on its overlay, or the file could not be removed.</exception>
    public async Task ReleaseAsync(DomainFacts domain, PlannedOverlay overlay, FileIdentity? identity, TimeSpan limit)
    {
        // Never cancelled: an interrupted run ends with the guest on its own disk. The limit bounds it. A guest that is
        // started in the middle has its overlay again, and is released as a running one in the next round.
        int attempts = 0;
        while (!await commit.TryReleaseAsync(domain, overlay, limit, CancellationToken.None))
        {
            log.Warning("{Domain}: shut off during the backup; committing {Target} offline", domain.Name, overlay.Target);
            await CommitOfflineAsync(domain, overlay, isLast: ++attempts == OfflineAttempts);
        }

        if (identity is not null)
        {
            OverlayFile.Remove(overlay.OverlayPath, identity);
        }
    }

    private async Task CommitOfflineAsync(DomainFacts domain, PlannedOverlay overlay, bool isLast)
    {
        try
        {
            // The image locks of QEMU keep a guest that starts at this moment from the files, and us from its files.
            await images.CommitAsync(overlay.OverlayPath, overlay.BasePath, CancellationToken.None);
            await definer.MoveDiskAsync(domain.Identity, overlay.Target, overlay.BasePath, CancellationToken.None);
        }
        catch (KvmBackupException failure) when (!isLast)
        {
            log.Warning("{Domain}: {Message}", domain.Name, failure.Message);
        }

        if (isLast && !await commit.IsOnBaseAsync(domain, overlay, CancellationToken.None))
        {
            throw new RunsException(
                $"{domain.Name}: disk {overlay.Target} left its base again while it was released; "
                + $"the overlay {overlay.OverlayPath} stays. Look with: virsh domblklist {domain.Uuid}",
                ExitCode.GuestNeedsPerson);
        }
    }
}
