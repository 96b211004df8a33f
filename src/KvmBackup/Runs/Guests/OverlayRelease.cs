using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// Moves one disk from its overlay to its base, whether the guest runs or was shut off in the meantime, and removes the
/// overlay when nothing depends on it.
/// </summary>
public sealed class OverlayRelease(
    LibvirtHost host, OverlayCommit commit, SavedRelease saved, DomainDefiner definer, QemuImage images,
    EncryptedOverlays encrypted, ILogger log)
{
    private const int OfflineAttempts = 3;

    /// <param name="domain">The domain.</param>
    /// <param name="overlay">The overlay as it was planned.</param>
    /// <param name="identity">The identity of the overlay when it was created; null when it was not recorded.</param>
    /// <param name="limit">The time limit of the commit.</param>
    /// <param name="watch">Receives steps and notes.</param>
    /// <exception cref="KvmBackupException">The disk is still on its overlay, or the file could not be
    /// removed.</exception>
    public async Task ReleaseAsync(
        DomainFacts domain, PlannedOverlay overlay, FileIdentity? identity, TimeSpan limit, ReleaseObserver watch)
    {
        // Never cancelled: an interrupted run ends with the guest on its own disk. The limit bounds it. A guest that is
        // started in between is on its overlay again, and the next round commits with a block job.
        int attempts = 0;
        try
        {
            while (!await TryReleaseRunningAsync(domain, overlay, limit, watch))
            {
                log.Warning(
                    "{Domain}: {Target}: no running guest uses the disk; committing the overlay offline", domain.Name,
                    overlay.Target);
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

    /// <summary>Starts a guest again that an interrupted run had saved to commit its overlays.</summary>
    /// <returns>A description of the action; null when the guest is not saved.</returns>
    /// <exception cref="KvmBackupException">The guest was not started, or an overlay was not committed.</exception>
    public Task<string?> ResumeSavedAsync(DomainFacts domain, IReadOnlyList<PlannedOverlay> overlays) =>
        saved.ResumeAsync(domain, overlays);

    /// <summary>Creates the overlays that libvirt does not create itself, before the guest is frozen.</summary>
    /// <returns>Whether any overlay was created.</returns>
    public Task<bool> CreateAsync(IReadOnlyList<PlannedOverlay> overlays, CancellationToken cancellationToken) =>
        encrypted.CreateAsync(overlays, cancellationToken);

    /// <summary>Whether the guest wrote anything into an overlay.</summary>
    public Task<bool> HasOwnDataAsync(PlannedOverlay overlay) => encrypted.HasOwnDataAsync(overlay);

    /// <summary>
    /// Removes the overlay of a domain that does not exist any more, if the guest wrote nothing into it. It is not
    /// committed automatically: another domain may use the base by now, or the guest may run on another host.
    /// </summary>
    /// <param name="isBaseSame">The base is still the same file.</param>
    /// <returns>False when there is no overlay.</returns>
    /// <exception cref="KvmBackupException">The overlay contains guest data, or is another file: manual action
    /// required.</exception>
    public async Task<bool> ReleaseGoneAsync(
        DomainName domain, PlannedOverlay overlay, FileIdentity? identity, bool isBaseSame)
    {
        if (!Path.Exists(overlay.OverlayPath))
        {
            return false;
        }

        OverlayFile.EnsureRecorded(overlay.OverlayPath, identity);
        if (await encrypted.HasOwnDataAsync(overlay))
        {
            throw new RunsException(
                OverlayAdvice.DomainMissing(domain, overlay, isBaseSame), ExitCode.ManualActionRequired);
        }

        await DeleteAsync(overlay, identity);
        return true;
    }

    /// <summary>Changes the definition of a shut-off domain back to the base.</summary>
    public Task PutOnBaseAsync(DomainIdentity domain, PlannedOverlay overlay) => definer.PutOnBaseAsync(
        domain, overlay, LocalFile.IsBlockDevice(overlay.BasePath), CancellationToken.None);

    /// <summary>Removes an overlay that no definition names any more.</summary>
    /// <exception cref="KvmBackupException">It is another file, or a process has it open.</exception>
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

    /// <summary>
    /// Commits by a block job, or, when QEMU is not allowed to write to the base, by saving the guest.
    /// </summary>
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
                    $"{denied.Message} Saving the guest to commit the overlay was not possible: {obstacle}.",
                    denied.ExitCode, denied);
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
    /// A guest whose memory was saved during the backup resumes on the disks that the memory image names. The image
    /// must name the bases before an overlay is removed.
    /// </summary>
    private async Task PutSavedOnBaseAsync(DomainIdentity domain, PlannedOverlay overlay)
    {
        if (await host.StateAsync(domain, CancellationToken.None) == DomainState.ShutOff
            && await definer.IsSavedOnAsync(domain, overlay, CancellationToken.None))
        {
            // Repeated, since a run may have died in between; a commit of an empty overlay changes nothing.
            await encrypted.CommitAsync(overlay);
            await definer.PutSavedOnBaseAsync(
                domain, overlay, LocalFile.IsBlockDevice(overlay.BasePath), CancellationToken.None);
            log.Information(
                "{Domain}: {Target}: the image of the saved memory names the base again", domain.Name, overlay.Target);
        }
    }

    /// <returns>False when the guest was started in the meantime: a block job is required then.</returns>
    private async Task<bool> TryCommitOfflineAsync(DomainFacts domain, PlannedOverlay overlay, bool isLast)
    {
        try
        {
            // QEMU's image locks prevent access by this commit and by a starting guest at the same time.
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
            $"{domain.Name}: {overlay.Target}: the disk left its base again during the commit; the overlay "
                + $"{overlay.OverlayPath} stays. To inspect: "
                + $"{OverlayAdvice.ListDisks(commit.CommandLine, domain.Uuid)} ; "
                + "and then run: "
            + OverlayAdvice.Recover,
            ExitCode.ManualActionRequired);
}

/// <summary>The callbacks for the caller that releases a disk.</summary>
/// <param name="Reached">Receives each step.</param>
/// <param name="Noted">Receives notes about unusual actions, as sentences for the report.</param>
/// <param name="RecordSaved">Records in the journal, before the guest is saved and after it runs again, whether the
/// guest may be saved; recovery starts such a guest.</param>
public sealed record ReleaseObserver(Action<JobStep> Reached, Action<string> Noted, Func<bool, Task> RecordSaved);
