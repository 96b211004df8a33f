using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Planning;
using KvmBackup.Runs.Guests;
using Serilog;

namespace KvmBackup.Runs.Recover;

/// <summary>Undoes what an interrupted run has left of one domain. Safe to repeat and to interrupt.</summary>
public sealed class DomainRecovery(
    LibvirtHost host, GuestAgent agent, OverlaySnapshot snapshot, OverlayRelease release, QemuImage images,
    ImageRecovery cluster,
    Journal journal, ILogger log)
{
    private static readonly TimeSpan CommitLimit = TimeSpan.FromMinutes(30);

    /// <summary>Removes snapshots from clusters that earlier runs could not remove.</summary>
    public Task<IReadOnlyList<DomainRecoveryReport>> SettleAsync() => cluster.SettleAsync(journal.PendingDeletions);

    /// <summary>Thaws the guest, if the run may have left it frozen. This is the first step, for all domains.</summary>
    /// <returns>The required manual action; null when the guest is thawed.</returns>
    public async Task<string?> ThawAsync(JournalEntry entry)
    {
        // A guest that was started after the freeze, as after a boot of the host, is not frozen.
        if (entry.Freeze != FreezeState.Freezing || !Journal.IsFromThisBoot(entry))
        {
            return null;
        }

        try
        {
            await agent.ThawAsync(new DomainIdentity(entry.DomainName, entry.DomainUuid));
            log.Information("{Domain}: thawed", entry.DomainName);
            return null;
        }
        catch (Exception failure)
        {
            string problem = failure is HypervisorException ? failure.Message
                : $"{entry.DomainName}: {Failure.Describe(failure)}";
            log.Error("{Message}", problem);
            return problem;
        }
    }

    /// <summary>Moves every disk back to its base, and closes the entry when nothing is pending.</summary>
    /// <param name="entry">The journal entry of the run.</param>
    /// <param name="thawProblem">The result of <see cref="ThawAsync"/>.</param>
    /// <param name="known">The domains of this libvirt.</param>
    public async Task<DomainRecoveryReport> RecoverAsync(
        JournalEntry entry, string? thawProblem, IReadOnlyList<DomainIdentity> known)
    {
        List<string> actions = [];
        DomainIdentity? domain = known.FirstOrDefault(candidate => candidate.Uuid == entry.DomainUuid);
        try
        {
            if (domain is null && ImageIdentity.Find(entry.DomainName) is null
                && !await host.IsGoneAsync(
                    new DomainIdentity(entry.DomainName, entry.DomainUuid), CancellationToken.None))
            {
                // It was defined since, or the list was incomplete.
                domain = new DomainIdentity(entry.DomainName, entry.DomainUuid);
            }

            return domain is null
                ? await RecoverGoneAsync(entry, thawProblem, actions)
                : await RecoverAsync(entry, domain, thawProblem, actions);
        }
        catch (Exception failure)
        {
            // Exceptions of every type: the other domains must still be recovered.
            log.Error("{Domain}: {Message}", entry.DomainName, Failure.Describe(failure));
            actions.Add($"{Failure.Describe(failure)}; fix that, and run {OverlayAdvice.Recover} again");
            return new DomainRecoveryReport((domain?.Name ?? entry.DomainName).Value, false, actions);
        }
    }

    private async Task<DomainRecoveryReport> RecoverAsync(
        JournalEntry entry, DomainIdentity domain, string? thawProblem, List<string> actions)
    {
        bool isRecovered = thawProblem is null;
        actions.AddRange(thawProblem is null ? [] : [thawProblem]);
        OpenEntry open = journal.Resume(entry);
        if (isRecovered && entry.Freeze == FreezeState.Freezing)
        {
            // The thaw is pending only once: a later freeze belongs to another program.
            await open.RecordAsync(now => now with { Freeze = FreezeState.Thawed }, CancellationToken.None);
        }

        if (!await snapshot.TryWaitForEndAsync(domain, CancellationToken.None))
        {
            // The snapshot call of a run that was just killed continues in libvirt: the state is final only after it.
            actions.Add(
                $"libvirt still runs a job for the domain: when `{host.CommandLine} domjobinfo {domain.Uuid}` shows "
                    + $"no job any more, run: {OverlayAdvice.Recover}");
            return new DomainRecoveryReport(domain.Name.Value, false, actions);
        }

        DomainFacts facts = await DescribeAsync(entry, domain, open, actions);
        foreach (JournalPin pin in entry.Pins.Where(pin => pin.State != PinState.Released))
        {
            isRecovered &= await RecoverDiskAsync(facts, pin, open, actions);
        }

        if (isRecovered)
        {
            actions.AddRange(await cluster.RecoverAsync(entry, journal.PendingDeletions));
            await open.CloseAsync(CancellationToken.None);
            actions.Add(
                $"the interrupted backup {entry.BackupId} (last step: {entry.Step}) is undone: the guest is on "
                + "its own disks");
        }

        return new DomainRecoveryReport(domain.Name.Value, isRecovered, actions);
    }

    private async Task<bool> RecoverDiskAsync(DomainFacts domain, JournalPin pin, OpenEntry open, List<string> actions)
    {
        try
        {
            RecoveryDecision decision = RecoveryPlanner.Decide(await InspectAsync(domain, pin));
            log.Information("{Domain}: disk {Target}: {Reason}", domain.Name, pin.Target, decision.Reason);
            if (decision.Action == RecoveryAction.Keep)
            {
                actions.Add(
                    $"disk {pin.Target} is unchanged: {decision.Reason}. Its base is {pin.BasePath}, its overlay "
                        + $"{pin.OverlayPath}. To inspect: {OverlayAdvice.ListDisks(host.CommandLine, domain.Uuid)} . "
                        + $"{Advise(domain, pin, decision.Advice)}");
                return false;
            }

            await ApplyAsync(domain, pin, decision.Action, open, actions);
            await open.RecordAsync(entry => entry.WithPin(pin.Target, PinState.Released), CancellationToken.None);
            actions.Add($"disk {pin.Target}: {decision.Reason}: {Describe(decision.Action, pin)}");
            return true;
        }
        catch (Exception failure)
        {
            log.Error("{Domain}: {Message}", domain.Name, Failure.Describe(failure));
            actions.Add(Failure.Describe(failure));
            return false;
        }
    }

    private async Task ApplyAsync(
        DomainFacts domain, JournalPin pin, RecoveryAction action, OpenEntry open, List<string> actions)
    {
        PlannedOverlay overlay = OverlayOf(pin);
        switch (action)
        {
            case RecoveryAction.Release:
                await open.RecordAsync(entry => entry.WithPin(pin.Target, PinState.Releasing), CancellationToken.None);
                await release.ReleaseAsync(
                    domain, overlay, pin.Overlay, CommitLimit,
                    new ReleaseObserver(_ => { }, actions.Add, isSaved => RecordSavedAsync(open, isSaved)));
                break;
            case RecoveryAction.RepairDefinition:
                await release.PutOnBaseAsync(domain.Identity, overlay);
                await release.RemoveAsync(domain.Identity, overlay, pin.Overlay);
                break;
            case RecoveryAction.RemoveOverlay:
                await release.RemoveAsync(domain.Identity, overlay, pin.Overlay);
                break;
            default:
                break;
        }
    }

    private async Task<DomainFacts> DescribeAsync(
        JournalEntry entry, DomainIdentity domain, OpenEntry open, List<string> actions)
    {
        DomainFacts facts = await host.DescribeAsync(domain, CancellationToken.None);
        if (!entry.IsGuestSaved)
        {
            return facts;
        }

        string? action = await release.ResumeSavedAsync(
            facts, [.. entry.Pins.Where(pin => pin.State == PinState.Releasing).Select(OverlayOf)]);
        await RecordSavedAsync(open, false);
        if (action is null)
        {
            return facts;
        }

        actions.Add(action);
        return await host.DescribeAsync(domain, CancellationToken.None);
    }

    private static Task RecordSavedAsync(OpenEntry open, bool isSaved) =>
        open.RecordAsync(entry => entry with { IsGuestSaved = isSaved }, CancellationToken.None);

    private async Task<PinFacts> InspectAsync(DomainFacts domain, JournalPin pin)
    {
        IReadOnlyDictionary<DiskTarget, DiskState> now =
            await host.DiskStatesAsync(domain.Identity, false, CancellationToken.None);
        DiskState? live = now.GetValueOrDefault(pin.Target);
        IReadOnlyDictionary<DiskTarget, DiskState> next =
            await host.DiskStatesAsync(domain.Identity, true, CancellationToken.None);
        DiskState? inactive = next.GetValueOrDefault(pin.Target)
            ?? next.Values.FirstOrDefault(state => state.SourcePath == pin.OverlayPath);
        bool exists = Path.Exists(pin.OverlayPath);
        bool isOurs = exists && OverlayName.IsOurs(pin.OverlayPath)
            && (pin.Overlay is null || LocalFile.Identify(pin.OverlayPath) == pin.Overlay);
        PinFacts facts = new(
            pin.State, pin.BasePath, pin.OverlayPath, domain.IsActive, live?.SourcePath, inactive?.SourcePath,
            IsBaseSame(pin),
            !exists ? OverlayPresence.Missing : isOurs ? OverlayPresence.Ours : OverlayPresence.Other,
            isOurs && await release.HasOwnDataAsync(OverlayOf(pin)));
        return facts with
        {
            IsUnusedSince = pin.BaseWrittenAt is { } time && File.GetLastWriteTimeUtc(pin.BasePath) == time,
            IsOverlayBelow = now.Concat(next)
                .Any(disk => disk.Key != pin.Target && DependsOn(disk.Value, pin.OverlayPath))
                || await IsAboveAsync(live, pin) || await IsAboveAsync(inactive, pin),
        };
    }

    private static bool DependsOn(DiskState state, string overlayPath) =>
        state.SourcePath == overlayPath || state.Backing.Contains(overlayPath);

    /// <summary>
    /// Whether the file that a definition names depends on the overlay; true when this cannot be determined.
    /// </summary>
    private async Task<bool> IsAboveAsync(DiskState? state, JournalPin pin)
    {
        if (state?.SourcePath is not { } path || path == pin.OverlayPath || path == pin.BasePath)
        {
            return false;
        }

        if (state.Backing.Count > 0 || !Path.Exists(path))
        {
            return state.Backing.Contains(pin.OverlayPath);
        }

        try
        {
            return (await images.ReadChainAsync(path, state.Format, CancellationToken.None))
                .Any(layer => layer.FilePath == pin.OverlayPath);
        }
        catch (KvmBackupException failure)
        {
            log.Warning("Reading the backing chain of {Path} failed: {Message}", path, failure.Message);
            return true;
        }
    }

    private static PlannedOverlay OverlayOf(JournalPin pin) =>
        new(pin.Target, pin.BasePath, pin.BaseFormat, pin.OverlayPath)
        {
            Encryption = pin.Encryption,
            Volume = pin.Volume,
        };

    private static bool IsBaseSame(JournalPin pin) =>
        Path.Exists(pin.BasePath) && LocalFile.Identify(pin.BasePath) == pin.Base;

    private string Advise(DomainFacts domain, JournalPin pin, RecoveryAdvice advice) => advice switch
    {
        RecoveryAdvice.CommitOrDiscard => OverlayAdvice.CommitOrDiscard(OverlayOf(pin)),
        RecoveryAdvice.CommitBelow =>
            $"Run: {OverlayAdvice.CommitBelow(host.CommandLine, domain.Uuid, OverlayOf(pin), domain.IsActive)}",
        RecoveryAdvice.KeepAsideOrDiscard => OverlayAdvice.KeepAsideOrDiscard(pin.OverlayPath),
        _ => $"When the disk's source in the domain's definition is correct, run: {OverlayAdvice.Recover}",
    };

    private async Task<DomainRecoveryReport> RecoverGoneAsync(
        JournalEntry entry, string? thawProblem, List<string> actions)
    {
        bool isRecovered = true;
        foreach (JournalPin pin in entry.Pins.Where(pin => pin.State != PinState.Released))
        {
            try
            {
                actions.AddRange(
                    await release.ReleaseGoneAsync(entry.DomainName, OverlayOf(pin), pin.Overlay, IsBaseSame(pin))
                    ? [$"disk {pin.Target}: its overlay contained no guest data and was removed"] : []);
            }
            catch (KvmBackupException failure)
            {
                // Reported by every run until the operator has removed the overlay; then the entry is closed, too.
                log.Error("{Message}", failure.Message);
                actions.Add(failure.Message);
                isRecovered = false;
            }
        }

        if (!isRecovered)
        {
            return new DomainRecoveryReport(entry.DomainName.Value, false, actions);
        }

        actions.AddRange(await cluster.RecoverAsync(entry, journal.PendingDeletions));
        await journal.Resume(entry).CloseAsync(CancellationToken.None);
        if (ImageIdentity.Find(entry.DomainName) is not null)
        {
            actions.Add($"the interrupted backup {entry.BackupId} (last step: {entry.Step}) is undone");
            return new DomainRecoveryReport(entry.DomainName.Value, true, actions);
        }

        actions.Add(
            "the domain does not exist any more, and no overlay is left: there is nothing to undo"
            + (thawProblem is null && !MayBeFrozenElsewhere(entry) ? string.Empty
                : $"; if it was migrated, it may still be frozen on the other host. Run there: `{host.CommandLine} "
                    + $"domfsthaw {entry.DomainUuid}`"));
        return new DomainRecoveryReport(entry.DomainName.Value, true, actions);
    }

    // A guest that is migrated while it is frozen stays frozen.
    private static bool MayBeFrozenElsewhere(JournalEntry entry) =>
        entry.Freeze == FreezeState.Freezing && Journal.IsFromThisBoot(entry);

    private static string Describe(RecoveryAction action, JournalPin pin) => action switch
    {
        RecoveryAction.Release => $"committed into {pin.BasePath}",
        RecoveryAction.RepairDefinition => "the definition was repaired, and the overlay removed",
        RecoveryAction.RemoveOverlay => "the overlay was removed",
        _ => "nothing to do",
    };
}
