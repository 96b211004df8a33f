using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// Brings one disk from its overlay to its base, whether the guest runs or was shut off meanwhile, and removes the overlay
/// once nothing needs it.
/// </summary>
public sealed class OverlayRelease(
    LibvirtHost host, OverlayCommit commit, SavedRelease saved, DomainDefiner definer, QemuImage images,
    EncryptedOverlays encrypted, ILogger log)
{
    private const int OfflineAttempts = 3;

    /// <param name="domain">The domain.</param>
    /// <param name="overlay">The overlay as it was planned.</param>
    /// <param name="identity">The file as it was when the overlay was made; null when that was never seen.</param>
    /// <param name="limit">How long the commit may take.</param>
    /// <param name="watch">Learns what happens.</param>
    /// <exception cref="KvmBackupException">The disk is still on its overlay, or the file could not be removed.</exception>
    public async Task ReleaseAsync(
        DomainFacts domain, PlannedOverlay overlay, FileIdentity? identity, TimeSpan limit, ReleaseObserver watch)
    {
        // Never cancelled: an interrupted run ends with the guest on its own disk. The limit bounds it. A guest that is
        // started in the middle has its overlay again, and is released as a running one in the next round.
        int attempts = 0;
        try
        {
            while (!await TryReleaseRunningAsync(domain, overlay, limit, watch))
            {
                log.Warning("{Domain}: no guest uses {Target} any more; committing it offline", domain.Name, overlay.Target);
                if (await TryCommitOfflineAsync(domain, overlay, isLast: ++attempts == OfflineAttempts))
                {
                    watch.Reached(JobStep.OnBase);
                    break;
                }
            }
        }
        catch (HypervisorException failure) when (failure.IsDomainGone)
        {
            await ReleaseGoneAsync(domain.Name, overlay, identity, isBaseSame: true);
            return;
        }

        await RemoveAsync(domain.Identity, overlay, identity);
    }

    /// <summary>Starts the guest again that a process which died had saved to commit its overlays.</summary>
    /// <returns>What was done; null when the guest is not saved.</returns>
    /// <exception cref="KvmBackupException">The guest does not run, or an overlay was not committed.</exception>
    public Task<string?> ResumeSavedAsync(DomainFacts domain, IReadOnlyList<PlannedOverlay> overlays) =>
        saved.ResumeAsync(domain, overlays);

    /// <summary>Makes the overlays that libvirt does not make itself, before the guest is frozen.</summary>
    /// <returns>Whether any was made.</returns>
    public Task<bool> CreateAsync(IReadOnlyList<PlannedOverlay> overlays, CancellationToken cancellationToken) =>
        encrypted.CreateAsync(overlays, cancellationToken);

    /// <summary>Whether the guest wrote anything into an overlay.</summary>
    public Task<bool> HasOwnDataAsync(PlannedOverlay overlay) => encrypted.HasOwnDataAsync(overlay);

    /// <summary>
    /// Removes the overlay of a domain that libvirt does not know any more, if the guest wrote nothing into it. It is not committed
    /// by itself: another domain may have the base by now, or another host the guest.
    /// </summary>
    /// <param name="isBaseSame">The base is still the file that it was.</param>
    /// <returns>False when there is no overlay.</returns>
    /// <exception cref="KvmBackupException">Data of the guest are in it, or it is another file: a person must decide.</exception>
    public async Task<bool> ReleaseGoneAsync(DomainName domain, PlannedOverlay overlay, FileIdentity? identity, bool isBaseSame)
    {
        if (!Path.Exists(overlay.OverlayPath))
        {
            return false;
        }

        OverlayFile.EnsureRecorded(overlay.OverlayPath, identity);
        if (await encrypted.HasOwnDataAsync(overlay))
        {
            throw new RunsException(OverlayAdvice.Gone(domain, overlay, isBaseSame), ExitCode.ManualActionRequired);
        }

        await DeleteAsync(overlay, identity);
        return true;
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
            await DeleteAsync(overlay, identity);
        }
    }

    private async Task DeleteAsync(PlannedOverlay overlay, FileIdentity? identity)
    {
        await images.EnsureUnusedAsync(overlay.OverlayPath, CancellationToken.None);
        OverlayFile.Remove(overlay.OverlayPath, identity);
    }

    /// <summary>By a block job; where QEMU is not allowed to write to the base, by saving the guest.</summary>
    /// <returns>False when the guest is shut off.</returns>
    private async Task<bool> TryReleaseRunningAsync(
        DomainFacts domain, PlannedOverlay overlay, TimeSpan limit, ReleaseObserver watch)
    {
        try
        {
            return await commit.TryReleaseAsync(
                domain, overlay, limit, watch.Reached, watch.Noted, CancellationToken.None);
        }
        catch (HypervisorException denied) when (denied.IsBaseDenied)
        {
            log.Warning("{Message}", denied.Message);
            if (await saved.TryReleaseAsync(domain, overlay, watch) is { } obstacle)
            {
                throw new RunsException(
                    $"{denied.Message} Saving the guest to commit it was not possible: {obstacle}.", denied.ExitCode, denied);
            }
        }

        if (!await commit.IsOnBaseAsync(domain, overlay, CancellationToken.None))
        {
            throw LeftBase(domain, overlay);
        }

        watch.Reached(JobStep.OnBase);
        return true;
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
            await encrypted.CommitAsync(overlay);
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
            await encrypted.CommitAsync(overlay);
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

        return !isLast ? false : throw LeftBase(domain, overlay);
    }

    private RunsException LeftBase(DomainFacts domain, PlannedOverlay overlay) => new(
            $"{domain.Name}: disk {overlay.Target} left its base again while it was released; "
            + $"the overlay {overlay.OverlayPath} stays. Look with: {OverlayAdvice.Look(commit.CommandLine, domain.Uuid)} ; and then type: "
            + OverlayAdvice.Recover,
            ExitCode.ManualActionRequired);
}

/// <summary>Whoever releases a disk learns by these what happens.</summary>
/// <param name="Reached">Gets each step.</param>
/// <param name="Noted">Gets what was done beyond the ordinary, as a sentence for the report.</param>
/// <param name="RecordSaved">Writes to the journal, before the guest is saved and after it runs again, that the guest may
/// be saved; recovery starts it in that case.</param>
public sealed record ReleaseObserver(Action<JobStep> Reached, Action<string> Noted, Func<bool, Task> RecordSaved);
