using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Model;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>
/// Holds all disks of a running domain at one instant. Leaving the scope brings every disk that is still pinned back to
/// its base; what that cannot do is told in <see cref="Troubles"/>, with the commands to type.
/// </summary>
public sealed class PinnedDomain(
    PreparedJob job, BackupId id, OpenEntry journal, GuestAgent agent, OverlaySnapshot snapshot, OverlayRelease release,
    ILogger log) : IAsyncDisposable
{
    private readonly List<string> troubles = [];
    private readonly Dictionary<DiskTarget, FileIdentity> overlays = [];
    private readonly HashSet<DiskTarget> pinned = [];

    /// <summary>What was achieved; known after the pin.</summary>
    public Consistency Consistency { get; private set; } = Consistency.Crash;

    /// <summary>Why it is no better.</summary>
    public string? ConsistencyReason { get; private set; }

    public TimeSpan? FrozenFor { get; private set; }

    /// <summary>What a person must mend in the guest.</summary>
    public IReadOnlyList<string> Troubles => troubles;

    /// <summary>A freeze or a pin of which nobody knows whether it is over: its journal entry must stay.</summary>
    public bool IsUncertain { get; private set; }

    /// <summary>The guest was to be frozen, and was not.</summary>
    public bool IsDowngraded => ConsistencyReason is not null && job.Settings.Quiesce != QuiesceMode.Off;

    /// <summary>Freezes as far as wanted and possible, puts on all overlays at once, and thaws.</summary>
    /// <exception cref="KvmBackupException">The domain is not pinned; the scope's end undoes what was begun.</exception>
    public async Task PinAsync(CancellationToken cancellationToken)
    {
        bool mayFreeze = await MayFreezeAsync(cancellationToken);

        // One record covers freeze, pin and thaw: nothing is written to a disk while the guest waits.
        await journal.RecordAsync(
            entry => entry with { Step = JobStep.Pinning, Freeze = mayFreeze ? FreezeState.Freezing : FreezeState.None },
            cancellationToken);
        pinned.UnionWith(job.Overlays.Select(overlay => overlay.Target));
        try
        {
            await using FrozenGuest? frozen = mayFreeze ? await TryFreezeAsync(cancellationToken) : null;

            // From here to the thaw nothing but the pin, and no way to be interrupted: it takes a moment, and its
            // outcome must be known.
            await snapshot.CreateAsync(job.Facts, id, job.Overlays, CancellationToken.None);
            if (frozen is not null)
            {
                await frozen.ThawAsync();
                FrozenFor = frozen.FrozenFor;
                Consistency = Consistency.Filesystem;
                log.Information("{Domain}: frozen for {Milliseconds:0} ms", job.Facts.Name, FrozenFor?.TotalMilliseconds);
            }
        }
        catch (HypervisorException failure) when (failure.ExitCode == ExitCode.GuestNeedsPerson)
        {
            IsUncertain = true;
            throw;
        }
        finally
        {
            IdentifyOverlays();
        }

        await journal.RecordAsync(
            entry => entry.WithPins(PinState.Pinned) with
            {
                Step = JobStep.Pinned,
                Freeze = mayFreeze ? FreezeState.Thawed : FreezeState.None,
            },
            CancellationToken.None);
        log.Information("{Domain}: {Count} disk(s) pinned", job.Facts.Name, overlays.Count);
    }

    /// <summary>Brings one disk back to its base and removes its overlay.</summary>
    public async Task ReleaseAsync(DiskTarget target)
    {
        PlannedOverlay overlay = job.Overlays.Single(planned => planned.Target == target);
        FileIdentity? identity = overlays.GetValueOrDefault(target);
        try
        {
            await release.ReleaseAsync(job.Facts, overlay, identity, job.Settings.CommitTimeout);
            _ = pinned.Remove(target);
            await journal.RecordAsync(entry => entry.WithPin(target, PinState.Released), CancellationToken.None);
        }
        catch (Exception failure) when (failure is KvmBackupException or IOException or UnauthorizedAccessException)
        {
            // Tried once: the next run's recovery goes on from here, and the end of the scope does not repeat it.
            _ = pinned.Remove(target);
            troubles.Add(failure.Message);
            log.Error("{Message}", failure.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Every disk that was to be pinned, whatever the snapshot said: only the XML tells where each one stands.
        foreach (DiskTarget target in pinned.ToArray())
        {
            log.Warning("{Domain}: seeing to {Target} after a failure", job.Facts.Name, target);
            await ReleaseAsync(target);
        }
    }

    /// <summary>Asks before anything is changed: a guest that someone else froze must not be thawed by us.</summary>
    private async Task<bool> MayFreezeAsync(CancellationToken cancellationToken)
    {
        string? reason = job switch
        {
            { Settings.Quiesce: QuiesceMode.Off } => "quiesce is off",
            { Facts.State: DomainState.Paused } => "the guest is paused",
            { Facts.HasAgentChannel: false } => "the domain has no guest agent channel",
            _ => null,
        };
        if (reason is null)
        {
            AgentStatus status = await agent.AskStatusAsync(job.Facts.Identity, cancellationToken);
            if (status.IsFrozen)
            {
                throw new RunsException(
                    "the guest's file systems are already frozen, by someone else: nothing was touched. If nobody needs "
                    + $"that, type: virsh domfsthaw {job.Facts.Uuid}", ExitCode.GuestNeedsPerson);
            }

            reason = status.IsAnswering ? null : $"the guest agent does not answer: {status.Complaint}";
        }

        if (reason is not null)
        {
            Downgrade(reason, failure: null);
        }

        return reason is null;
    }

    private async Task<FrozenGuest?> TryFreezeAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await agent.FreezeAsync(job.Facts.Identity, job.Settings.FreezeTimeout, cancellationToken);
        }
        catch (HypervisorException failure) when (failure.ExitCode != ExitCode.GuestNeedsPerson)
        {
            Downgrade(failure.Message, failure);
            return null;
        }
    }

    private void Downgrade(string reason, Exception? failure)
    {
        if (job.Settings.Quiesce == QuiesceMode.Require)
        {
            throw new RunsException(
                $"quiesce: require, and the guest cannot be frozen: {reason}. Mend the agent in the guest "
                + "(package qemu-guest-agent), or allow crash consistency with quiesce: try", ExitCode.Failed, failure);
        }

        ConsistencyReason = reason;
        if (job.Settings.Quiesce != QuiesceMode.Off)
        {
            log.Warning("{Domain}: only crash-consistent: {Reason}", job.Facts.Name, reason);
        }
    }

    private void IdentifyOverlays()
    {
        // Also after a failure: an atomic call that failed may have left files behind, which the release then removes.
        foreach (PlannedOverlay overlay in job.Overlays.Where(overlay => File.Exists(overlay.OverlayPath)))
        {
            overlays[overlay.Target] = LocalFile.Identify(overlay.OverlayPath);
        }
    }
}
