using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// The alternative release for a running guest when QEMU may not write to the base: saves the guest, commits the
/// overlay with <c>qemu-img</c>, changes the memory image and the definition to the base, and resumes the guest,
/// running or paused as before. The journal records the save before it begins, so that recovery starts the guest when
/// this process dies.
/// </summary>
public sealed class SavedRelease(LibvirtHost host, DomainDefiner definer, EncryptedOverlays encrypted, ILogger log)
{
    private const int StartAttempts = 3;

    /// <returns>Why the release was not tried, so that nothing has changed; null when it is done.</returns>
    /// <exception cref="KvmBackupException">The release failed. The guest runs, unless the message reports that it does
    /// not.</exception>
    public async Task<string?> TryReleaseAsync(DomainFacts domain, PlannedOverlay overlay, ReleaseObserver watch)
    {
        if (FindObstacle(domain) is { } obstacle)
        {
            return obstacle;
        }

        log.Warning("{Domain}: saving the guest to commit {Target}", domain.Name, overlay.Target);
        await watch.RecordSaved(true);
        try
        {
            await definer.Saved.SaveAsync(domain, CancellationToken.None);
        }
        catch (KvmBackupException failure)
        {
            if (await host.StateAsync(domain.Identity, CancellationToken.None) != DomainState.ShutOff)
            {
                await watch.RecordSaved(false);
                return failure.Message.TrimEnd('.');
            }

            log.Warning("{Domain}: {Message}", domain.Name, failure.Message);
        }

        watch.Reached(JobStep.Saved);
        await CommitAndStartAsync(domain, [overlay], () => watch.Reached(JobStep.SavedOnBase));
        await watch.RecordSaved(false);
        watch.Noted(
            $"disk {overlay.Target}: the guest was saved, the overlay was committed into {overlay.BasePath} with "
                + "qemu-img, and the guest was started again from its saved memory; it did not run in the meantime");
        return null;
    }

    /// <summary>
    /// Starts a guest that an interrupted run had saved, with its disks on their bases. Safe to repeat.
    /// </summary>
    /// <returns>A description of the action, as a sentence; null when the guest is not saved.</returns>
    /// <exception cref="KvmBackupException">The guest could not be started, or its overlays could not be
    /// committed.</exception>
    public async Task<string?> ResumeAsync(DomainFacts domain, IReadOnlyList<PlannedOverlay> overlays)
    {
        if (domain.IsActive || !await definer.Saved.ExistsAsync(domain.Identity, CancellationToken.None))
        {
            return null;
        }

        log.Warning("{Domain}: starting the guest that an interrupted run had saved", domain.Name);
        IReadOnlyDictionary<DiskTarget, DiskState> disks =
            await host.DiskStatesAsync(domain.Identity, isInactive: true, CancellationToken.None);
        await CommitAndStartAsync(domain, [.. overlays.Where(overlay =>
            Path.Exists(overlay.OverlayPath)
                && disks.GetValueOrDefault(overlay.Target)?.SourcePath == overlay.OverlayPath)], () => { });
        return "the interrupted run had saved the guest; it was started again from its saved memory";
    }

    private static string? FindObstacle(DomainFacts domain)
    {
        if (!domain.IsPersistent)
        {
            return "the guest is transient, and libvirt saves only guests with a definition";
        }

        string folder = Directory.Exists(ManagedSave.DirectoryPath) ? ManagedSave.DirectoryPath : "/";
        long needed = ManagedSave.LargestBytes(domain);
        long available = LocalFile.AvailableBytes(folder);
        return available >= needed ? null
            : $"saving the guest may take {ByteSize.Format(needed)} in {folder}, which has "
                + $"{ByteSize.Format(available)} free";
    }

    /// <summary>
    /// Commits the overlays and starts the guest, also after a failure: overlay and base together have the same content
    /// at each moment.
    /// </summary>
    private async Task CommitAndStartAsync(DomainFacts domain, IReadOnlyList<PlannedOverlay> overlays, Action onBase)
    {
        Exception? failed = null;
        try
        {
            foreach (PlannedOverlay overlay in overlays)
            {
                await encrypted.CommitAsync(overlay);
                bool isBlockDevice = LocalFile.IsBlockDevice(overlay.BasePath);

                // In this order: while the definition names the overlay, no other step treats it as unused.
                await definer.PutSavedOnBaseAsync(domain.Identity, overlay, isBlockDevice, CancellationToken.None);
                await definer.PutOnBaseAsync(domain.Identity, overlay, isBlockDevice, CancellationToken.None);
            }

            onBase();
        }
        catch (Exception failure)
        {
            // Exceptions of every type, for example a full disk: the guest must be started again.
            failed = failure;
        }

        await StartAsync(domain);
        if (failed is not null)
        {
            throw new RunsException(
                $"{domain.Name}: the guest was saved to commit its overlay and runs again, but the commit failed: "
                    + $"{Failure.Describe(failed)}",
                ExitCode.ManualActionRequired, failed);
        }
    }

    private async Task StartAsync(DomainFacts domain)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await definer.Saved.StartAsync(domain.Identity, CancellationToken.None);
                return;
            }
            catch (KvmBackupException failure)
            {
                // The answer may be lost although the guest was started.
                if (await IsActiveAsync(domain))
                {
                    return;
                }

                log.Error("{Message}", failure.Message);
                if (attempt == StartAttempts)
                {
                    throw new RunsException(
                        $"{domain.Name}: THE GUEST IS SAVED AND DOES NOT RUN: {failure.Message.TrimEnd('.')}. Its "
                            + $"memory is in libvirt's managed save; do not remove it. Run: "
                            + $"`{definer.Saved.StartCall(domain.Identity)}` ; then: {OverlayAdvice.Recover}",
                        ExitCode.ManualActionRequired);
                }
            }
        }
    }

    private async Task<bool> IsActiveAsync(DomainFacts domain)
    {
        try
        {
            return await host.StateAsync(domain.Identity, CancellationToken.None) != DomainState.ShutOff;
        }
        catch (KvmBackupException failure)
        {
            log.Warning("{Domain}: {Message}", domain.Name, failure.Message);
            return false;
        }
    }
}
