using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs.Capture;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// Holds all disks of a running domain at one instant. Leaving the scope brings every disk that is still pinned back to
/// its base; what that cannot do is told in <see cref="Troubles"/>, with the commands to type.
/// </summary>
public sealed class PinnedDomain(
    DomainJob job, BackupId id, OpenEntry journal, GuestFreeze freeze, OverlaySnapshot snapshot, RbdCapture images,
    OverlayRelease release, FaultInjection gate, ILogger log) : IAsyncDisposable
{
    private readonly List<string> troubles = [];
    private readonly List<string> notes = [];
    private readonly List<PlannedOverlay> pinned = [];
    private readonly Dictionary<DiskTarget, FileIdentity> identities = [];
    private bool isUncertain;
    private FreezeCapability? known;

    /// <summary>What was achieved; known after the pin.</summary>
    public PinOutcome Outcome { get; private set; } = new(Consistency.Crash, null, null);

    /// <summary>How large the overlays were that were released.</summary>
    public long OverlayBytes { get; private set; }

    /// <summary>What a person must mend in the guest.</summary>
    public IReadOnlyList<string> Troubles => troubles;

    /// <summary>What was done beyond the ordinary to release the disks.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>The guest runs, thawed, on its own disks.</summary>
    public bool IsGuestClean => troubles.Count == 0 && !isUncertain;

    /// <summary>Asks whether the guest can be frozen.</summary>
    /// <exception cref="KvmBackupException">It must not be pinned: a freeze is required and impossible, or someone else's is
    /// on.</exception>
    public async Task PrepareAsync(CancellationToken cancellationToken) =>
        known = await freeze.PrepareAsync(job, cancellationToken);

    /// <summary>Freezes as far as wanted and possible, puts on all overlays at once, and thaws.</summary>
    /// <exception cref="KvmBackupException">The domain is not pinned; the scope's end undoes what was begun.</exception>
    public async Task PinAsync(CancellationToken cancellationToken)
    {
        FreezeCapability chance = known ?? await freeze.PrepareAsync(job, cancellationToken);
        bool mayFreeze = chance.Obstacle is null;
        if (await release.CreateAsync(job.Overlays, cancellationToken))
        {
            pinned.AddRange(job.Overlays);
        }

        // One record covers freeze, pin and thaw: nothing is written to a disk while the guest waits.
        await RecordAsync(JobStep.Freezing, entry => entry with
        {
            Freeze = mayFreeze ? FreezeState.Freezing : FreezeState.None,
        });
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            Outcome = await FreezeAndPinAsync(chance, cancellationToken);
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
        log.Information("{Domain}: {Count} disk(s) pinned", job.Facts.Name, job.Disks.Count);
    }

    /// <summary>Brings one disk, which was read, back to its base and removes its overlay.</summary>
    public async Task ReleaseAsync(DiskTarget target)
    {
        if (pinned.FirstOrDefault(planned => planned.Target == target) is not { } overlay)
        {
            // The guest writes to an image all the while; its snapshot is for the next backup.
            gate.Pass(job.Facts.Name, JobStep.Read, target);
            return;
        }

        // Tried once, whatever comes of it: what fails here is taken up again by recovery, not by the end of the scope.
        _ = pinned.Remove(overlay);
        FileInfo file = new(overlay.OverlayPath);
        OverlayBytes += file.Exists ? file.Length : 0;
        try
        {
            gate.Pass(job.Facts.Name, JobStep.Read, target);
            await RecordReleasingAsync(target);
            await release.ReleaseAsync(
                job.Facts, overlay, identities.GetValueOrDefault(target), job.Settings.CommitTimeout,
                new ReleaseObserver(step => gate.Pass(job.Facts.Name, step, target), notes.Add, RecordSavedAsync));
            await RecordAsync(JobStep.Released, entry => entry.WithPin(target, PinState.Released), target);
        }
        catch (Exception failure)
        {
            // Of whatever type: the other disks are released all the same.
            troubles.Add(failure is KvmBackupException ? failure.Message : $"{job.Facts.Name}: disk {target}: {Failure.Describe(failure)}");
            log.Error("{Message}", troubles[^1]);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (PlannedOverlay overlay in pinned.ToArray())
        {
            log.Warning("{Domain}: releasing {Target} before its time", job.Facts.Name, overlay.Target);
            await ReleaseAsync(overlay.Target);
        }
    }

    private Dictionary<DiskTarget, DateTime> RunningOnlyBases() => job.Overlays
        .Where(overlay => job.Facts.Disks.Any(
            disk => disk.Target == overlay.Target && disk.Presence == DiskPresence.RunningOnly))
        .ToDictionary(overlay => overlay.Target, overlay => File.GetLastWriteTimeUtc(overlay.BasePath));

    private async Task SettleAsync()
    {
        // A call that was given up may still be carried out; only after that is it known what there is to undo.
        if (pinned.Count == 0 || await snapshot.TryWaitForEndAsync(job.Facts.Identity, CancellationToken.None))
        {
            return;
        }

        // To release now what is pinned a moment later would take it for released, and its overlay away from under it.
        pinned.Clear();
        troubles.Add(
            $"{job.Facts.Name}: libvirt did not finish with the snapshot, and may still put the guest on its overlays. When "
            + $"`{snapshot.CommandLine} domjobinfo {job.Facts.Uuid}` shows no job any more, type: {OverlayAdvice.Recover}");
        log.Error("{Message}", troubles[^1]);
    }

    private async Task<PinOutcome> FreezeAndPinAsync(FreezeCapability chance, CancellationToken cancellationToken)
    {
        FreezeResult result = await freeze.BeginAsync(job, chance, cancellationToken);
        await using FrozenGuest? frozen = result.Guest;
        if (frozen is not null)
        {
            gate.Pass(job.Facts.Name, JobStep.Frozen);
        }

        // From here to the thaw nothing but the pin, and no way to be interrupted: it takes a moment, and its outcome
        // must be known.
        TimeSpan limit = frozen is null ? OverlaySnapshot.Limit : chance.Limit;
        await PinAllAsync(limit);
        gate.Pass(job.Facts.Name, JobStep.Snapshotted);
        if (frozen is null)
        {
            return new PinOutcome(Consistency.Crash, result.Obstacle, null);
        }

        await frozen.ThawAsync();
        gate.Pass(job.Facts.Name, JobStep.Thawed);
        log.Information("{Domain}: frozen for {Milliseconds:0} ms", job.Facts.Name, frozen.FrozenFor.TotalMilliseconds);
        return new PinOutcome(Consistency.Filesystem, null, frozen.FrozenFor);
    }

    /// <summary>Files by one call of libvirt, images by one call of the cluster each, all at the same time.</summary>
    private async Task PinAllAsync(TimeSpan limit)
    {
        pinned.AddRange(job.Overlays.Except(pinned).ToArray());
        Task inCluster = images.CreateAsync(limit);

        // libvirt refuses a snapshot of no disk.
        Task inFiles = job.Overlays.Count == 0 ? Task.CompletedTask
            : snapshot.CreateAsync(job.Facts, id, job.Overlays, limit, CancellationToken.None);
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
            // The guest comes first: a state directory that is full must not keep it on its overlay.
            log.Warning("{Domain}: releasing {Target} all the same: {Message}", job.Facts.Name, target, failure.Message);
        }
    }

    private Task RecordSavedAsync(bool isSaved) =>
        journal.RecordAsync(entry => entry with { IsGuestSaved = isSaved }, CancellationToken.None);

    private async Task RecordAsync(JobStep step, Func<JournalEntry, JournalEntry> change, DiskTarget? disk = null)
    {
        // Never cancelled: what the journal does not tell, recovery does not know.
        await journal.RecordAsync(entry => change(entry) with { Step = step }, CancellationToken.None);
        gate.Pass(job.Facts.Name, step, disk);
    }
}
