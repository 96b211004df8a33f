using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs.Capture;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// Takes a snapshot of all disks of a running domain at one instant. Leaving the scope moves every disk that is still
/// on its overlay back to its base; failures are in <see cref="Problems"/>, with the commands to run.
/// </summary>
public sealed class PinnedDomain(
    DomainJob job, OpenEntry journal, GuestFreeze freeze, OverlaySnapshot snapshot, RbdCapture images,
    OverlayRelease release, FaultInjection faults, ILogger log) : IAsyncDisposable
{
    private readonly List<string> problems = [];
    private readonly List<string> notes = [];
    private readonly List<PlannedOverlay> pinned = [];
    private readonly Dictionary<DiskTarget, FileIdentity> identities = [];
    private bool isUncertain;
    private FreezeCapability? known;

    /// <summary>The consistency of the snapshot; valid after <see cref="PinAsync"/>.</summary>
    public PinOutcome Outcome { get; private set; } = new(Consistency.Crash, null, null);

    /// <summary>The total size of the released overlays.</summary>
    public long OverlayBytes { get; private set; }

    /// <summary>The manual actions that are required for the guest.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <summary>Notes about unusual actions to release the disks.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>The guest runs, thawed, on its own disks.</summary>
    public bool IsGuestClean => problems.Count == 0 && !isUncertain;

    /// <summary>Checks whether the guest can be frozen.</summary>
    /// <exception cref="KvmBackupException">A freeze is required and impossible, or another program has frozen the
    /// guest.</exception>
    public async Task PrepareAsync(CancellationToken cancellationToken) =>
        known = await freeze.PrepareAsync(job, cancellationToken);

    /// <summary>Freezes the guest if required and possible, creates all overlays at one instant, and thaws.</summary>
    /// <exception cref="KvmBackupException">The snapshot failed; the end of the scope undoes partial
    /// changes.</exception>
    public async Task PinAsync(CancellationToken cancellationToken)
    {
        FreezeCapability capability = known ?? await freeze.PrepareAsync(job, cancellationToken);
        bool mayFreeze = capability.Obstacle is null;
        if (await release.CreateAsync(job.Overlays, cancellationToken))
        {
            pinned.AddRange(job.Overlays);
        }

        // One record covers freeze, snapshot and thaw: nothing is written to a disk while the guest is frozen.
        await RecordAsync(JobStep.Freezing, entry => entry with
        {
            Freeze = mayFreeze ? FreezeState.Freezing : FreezeState.None,
        });
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            Outcome = await FreezeAndPinAsync(capability, cancellationToken);
            await snapshot.EnsureAppliedAsync(job.Facts, job.Overlays, CancellationToken.None);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            isUncertain = failure is not KvmBackupException { ExitCode: not ExitCode.ManualActionRequired };
            await SettleAsync();
            throw;
        }

        foreach (PlannedOverlay overlay in job.Overlays)
        {
            identities[overlay.Target] = LocalFile.Identify(overlay.OverlayPath);
        }

        await RecordAsync(JobStep.Pinned, entry => entry.WithOverlays(identities).WithBaseTimes(RunningOnlyBases()) with
        {
            Freeze = mayFreeze ? FreezeState.Thawed : FreezeState.None,
        });
        log.Information("{Domain}: snapshot of {Count} disk(s) taken", job.Facts.Name, job.Disks.Count);
    }

    /// <summary>Moves one disk that was read back to its base, and removes its overlay.</summary>
    public async Task ReleaseAsync(DiskTarget target)
    {
        if (pinned.FirstOrDefault(planned => planned.Target == target) is not { } overlay)
        {
            // The guest stays on its RBD image; the snapshot is kept for the next backup.
            faults.Pass(job.Facts.Name, JobStep.Read, target);
            return;
        }

        // Tried only once: recovery repeats a failed release, not the end of the scope.
        _ = pinned.Remove(overlay);
        FileInfo file = new(overlay.OverlayPath);
        OverlayBytes += file.Exists ? file.Length : 0;
        try
        {
            faults.Pass(job.Facts.Name, JobStep.Read, target);
            await RecordReleasingAsync(target);
            await release.ReleaseAsync(
                job.Facts, overlay, identities.GetValueOrDefault(target), job.Settings.CommitTimeout,
                new ReleaseObserver(step => faults.Pass(job.Facts.Name, step, target), notes.Add, RecordSavedAsync));
            await RecordAsync(JobStep.Released, entry => entry.WithPin(target, PinState.Released), target);
        }
        catch (Exception failure)
        {
            // Exceptions of every type: the other disks must still be released.
            problems.Add(failure is KvmBackupException ? failure.Message
                : $"{job.Facts.Name}: {target}: {Failure.Describe(failure)}");
            log.Error("{Message}", problems[^1]);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (PlannedOverlay overlay in pinned.ToArray())
        {
            log.Warning("{Domain}: releasing {Target} before it was read", job.Facts.Name, overlay.Target);
            await ReleaseAsync(overlay.Target);
        }
    }

    private Dictionary<DiskTarget, DateTime> RunningOnlyBases() => job.Overlays
        .Where(overlay => job.Facts.Disks.Any(
            disk => disk.Target == overlay.Target && disk.Presence == DiskPresence.RunningOnly))
        .ToDictionary(overlay => overlay.Target, overlay => File.GetLastWriteTimeUtc(overlay.BasePath));

    private async Task SettleAsync()
    {
        // A call that timed out may still be executed. Only after that the disks to release are known.
        if (pinned.Count == 0 || await snapshot.TryWaitForEndAsync(job.Facts.Identity, CancellationToken.None))
        {
            return;
        }

        // A release now, before a late snapshot, would remove an overlay that the guest then uses.
        pinned.Clear();
        problems.Add(
            $"{job.Facts.Name}: libvirt did not finish the snapshot, and may still move the guest to its overlays. "
                + $"When `{snapshot.CommandLine} domjobinfo {job.Facts.Uuid}` shows no job any more, run: "
                + $"{OverlayAdvice.Recover}");
        log.Error("{Message}", problems[^1]);
    }

    private async Task<PinOutcome> FreezeAndPinAsync(FreezeCapability capability, CancellationToken cancellationToken)
    {
        FreezeResult result = await freeze.BeginAsync(job, capability, cancellationToken);
        await using FrozenGuest? frozen = result.Guest;
        if (frozen is not null)
        {
            faults.Pass(job.Facts.Name, JobStep.Frozen);
        }

        // From here to the thaw only the snapshot is taken, without cancellation: it is short, and its outcome must be
        // known.
        TimeSpan limit = frozen is null ? OverlaySnapshot.Limit : capability.Limit;
        await PinAllAsync(limit);
        faults.Pass(job.Facts.Name, JobStep.Snapshotted);
        if (frozen is null)
        {
            return new PinOutcome(Consistency.Crash, result.Obstacle, null);
        }

        await frozen.ThawAsync();
        faults.Pass(job.Facts.Name, JobStep.Thawed);
        log.Information("{Domain}: frozen for {Milliseconds:0} ms", job.Facts.Name, frozen.FrozenFor.TotalMilliseconds);
        return new PinOutcome(Consistency.Filesystem, null, frozen.FrozenFor);
    }

    /// <summary>
    /// Takes the snapshots of files by one libvirt call and those of images by one Ceph call each, in parallel.
    /// </summary>
    private async Task PinAllAsync(TimeSpan limit)
    {
        pinned.AddRange(job.Overlays.Except(pinned).ToArray());
        Task inCluster = images.CreateAsync(limit);

        // libvirt refuses a snapshot without disks.
        Task inFiles = job.Overlays.Count == 0 ? Task.CompletedTask
            : snapshot.CreateAsync(job.Facts, journal.Current.BackupId, job.Overlays, limit, CancellationToken.None);
        await Task.WhenAll(inCluster, inFiles);
    }

    private async Task RecordReleasingAsync(DiskTarget target)
    {
        try
        {
            await RecordAsync(JobStep.Releasing, entry => entry.WithPin(target, PinState.Releasing), target);
        }
        catch (JournalingException failure)
        {
            // The release continues: a full state directory must not keep the guest on its overlay.
            log.Warning("{Domain}: releasing {Target} without a journal record: {Message}", job.Facts.Name, target,
                failure.Message);
        }
    }

    private Task RecordSavedAsync(bool isSaved) =>
        journal.RecordAsync(entry => entry with { IsGuestSaved = isSaved }, CancellationToken.None);

    private async Task RecordAsync(JobStep step, Func<JournalEntry, JournalEntry> change, DiskTarget? disk = null)
    {
        // Never cancelled: recovery depends on the journal.
        await journal.RecordAsync(entry => change(entry) with { Step = step }, CancellationToken.None);
        faults.Pass(job.Facts.Name, step, disk);
    }
}
