using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Planning;
using KvmBackup.Runs.Guests;
using Serilog;

namespace KvmBackup.Runs.Recover;

/// <summary>Undoes what one dead run has left of one domain. Safe to repeat, and to die in.</summary>
public sealed class DomainRecovery(
    LibvirtHost host, GuestAgent agent, OverlaySnapshot snapshot, OverlayRelease release, QemuImage images, ImageRecovery cluster,
    Journal journal, ILogger log)
{
    private static readonly TimeSpan CommitLimit = TimeSpan.FromMinutes(30);

    /// <summary>Removes from clusters what earlier runs could not.</summary>
    public Task<IReadOnlyList<DomainRecoveryReport>> SettleAsync() => cluster.SettleAsync(journal.PendingDeletions);

    /// <summary>Thaws, if the run may have left the guest frozen. Comes first, for all domains.</summary>
    /// <returns>What a person must do; null when the guest is thawed.</returns>
    public async Task<string?> ThawAsync(JournalEntry entry)
    {
        // A guest that was started since, as all of them were after a boot of the host, has forgotten its freeze.
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
            string trouble = failure is HypervisorException ? failure.Message : $"{entry.DomainName}: {Failure.Describe(failure)}";
            log.Error("{Message}", trouble);
            return trouble;
        }
    }

    /// <summary>Brings every disk back, and closes the entry when nothing is left to do.</summary>
    /// <param name="entry">What the run had open.</param>
    /// <param name="thawTrouble">What thawing came to.</param>
    /// <param name="known">The domains that libvirt knows.</param>
    public async Task<DomainRecoveryReport> RecoverAsync(
        JournalEntry entry, string? thawTrouble, IReadOnlyList<DomainIdentity> known)
    {
        List<string> deeds = [];
        DomainIdentity? domain = known.FirstOrDefault(candidate => candidate.Uuid == entry.DomainUuid);
        try
        {
            if (domain is null && ImageIdentity.Find(entry.DomainName) is null
                && !await host.IsGoneAsync(new DomainIdentity(entry.DomainName, entry.DomainUuid), CancellationToken.None))
            {
                // It was defined since, or the list was not whole.
                domain = new DomainIdentity(entry.DomainName, entry.DomainUuid);
            }

            return domain is null
                ? await GoneAsync(entry, thawTrouble, deeds)
                : await RecoverAsync(entry, domain, thawTrouble, deeds);
        }
        catch (Exception failure)
        {
            // One domain's failure, of whatever type, stays its own: the others are recovered all the same.
            log.Error("{Domain}: {Message}", entry.DomainName, Failure.Describe(failure));
            deeds.Add($"{Failure.Describe(failure)}; fix that, and type: {OverlayAdvice.Recover}");
            return new DomainRecoveryReport((domain?.Name ?? entry.DomainName).Value, false, deeds);
        }
    }

    private async Task<DomainRecoveryReport> RecoverAsync(
        JournalEntry entry, DomainIdentity domain, string? thawTrouble, List<string> deeds)
    {
        bool isRecovered = thawTrouble is null;
        deeds.AddRange(thawTrouble is null ? [] : [thawTrouble]);
        OpenEntry open = journal.Resume(entry);
        if (isRecovered && entry.Freeze == FreezeState.Freezing)
        {
            // Owed once: a freeze that somebody begins after this is theirs.
            await open.RecordAsync(now => now with { Freeze = FreezeState.Thawed }, CancellationToken.None);
        }

        if (!await snapshot.TryWaitForEndAsync(domain, CancellationToken.None))
        {
            // The snapshot of a run that was just killed goes on without it: what is seen before its end is not the end.
            deeds.Add(
                $"libvirt still works on the domain: when `{host.CommandLine} domjobinfo {domain.Uuid}` shows no job any more, type: {OverlayAdvice.Recover}");
            return new DomainRecoveryReport(domain.Name.Value, false, deeds);
        }

        DomainFacts facts = await DescribeAsync(entry, domain, open, deeds);
        foreach (JournalPin pin in entry.Pins.Where(pin => pin.State != PinState.Released))
        {
            isRecovered &= await RecoverDiskAsync(facts, pin, open, deeds);
        }

        if (isRecovered)
        {
            deeds.AddRange(await cluster.RecoverAsync(entry, journal.PendingDeletions));
            await open.CloseAsync(CancellationToken.None);
            deeds.Add($"the interrupted backup {entry.BackupId} (it came as far as {entry.Step}) is undone: the guest is on its own disks");
        }

        return new DomainRecoveryReport(domain.Name.Value, isRecovered, deeds);
    }

    private async Task<bool> RecoverDiskAsync(DomainFacts domain, JournalPin pin, OpenEntry open, List<string> deeds)
    {
        try
        {
            RecoveryDecision decision = RecoveryPlanner.Decide(await LookAsync(domain, pin));
            log.Information("{Domain}: disk {Target}: {Reason}", domain.Name, pin.Target, decision.Reason);
            if (decision.Action == RecoveryAction.Keep)
            {
                deeds.Add(
                    $"disk {pin.Target} is left alone: {decision.Reason}. Its base is {pin.BasePath}, the overlay {pin.OverlayPath}. Look with: "
                    + $"{OverlayAdvice.ListDisks(host.CommandLine, domain.Uuid)} . {Advise(domain, pin, decision.Advice)}");
                return false;
            }

            await ActAsync(domain, pin, decision.Action, open, deeds);
            await open.RecordAsync(entry => entry.WithPin(pin.Target, PinState.Released), CancellationToken.None);
            deeds.Add($"disk {pin.Target}: {decision.Reason}: {Describe(decision.Action, pin)}");
            return true;
        }
        catch (Exception failure)
        {
            log.Error("{Domain}: {Message}", domain.Name, Failure.Describe(failure));
            deeds.Add(Failure.Describe(failure));
            return false;
        }
    }

    private async Task ActAsync(
        DomainFacts domain, JournalPin pin, RecoveryAction action, OpenEntry open, List<string> deeds)
    {
        PlannedOverlay overlay = OverlayOf(pin);
        switch (action)
        {
            case RecoveryAction.Release:
                await open.RecordAsync(entry => entry.WithPin(pin.Target, PinState.Releasing), CancellationToken.None);
                await release.ReleaseAsync(
                    domain, overlay, pin.Overlay, CommitLimit,
                    new ReleaseObserver(_ => { }, deeds.Add, isSaved => RecordSavedAsync(open, isSaved)));
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

    private async Task<DomainFacts> DescribeAsync(JournalEntry entry, DomainIdentity domain, OpenEntry open, List<string> deeds)
    {
        DomainFacts facts = await host.DescribeAsync(domain, CancellationToken.None);
        if (!entry.IsGuestSaved)
        {
            return facts;
        }

        string? deed = await release.ResumeSavedAsync(
            facts, [.. entry.Pins.Where(pin => pin.State == PinState.Releasing).Select(OverlayOf)]);
        await RecordSavedAsync(open, false);
        if (deed is null)
        {
            return facts;
        }

        deeds.Add(deed);
        return await host.DescribeAsync(domain, CancellationToken.None);
    }

    private static Task RecordSavedAsync(OpenEntry open, bool isSaved) =>
        open.RecordAsync(entry => entry with { IsGuestSaved = isSaved }, CancellationToken.None);

    private async Task<PinFacts> LookAsync(DomainFacts domain, JournalPin pin)
    {
        IReadOnlyDictionary<DiskTarget, DiskState> now = await host.DiskStatesAsync(domain.Identity, false, CancellationToken.None);
        DiskState? live = now.GetValueOrDefault(pin.Target);
        IReadOnlyDictionary<DiskTarget, DiskState> next = await host.DiskStatesAsync(domain.Identity, true, CancellationToken.None);
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
            IsOverlayBelow = now.Concat(next).Any(disk => disk.Key != pin.Target && DependsOn(disk.Value, pin.OverlayPath))
                || await IsAboveAsync(live, pin) || await IsAboveAsync(inactive, pin),
        };
    }

    private static bool DependsOn(DiskState state, string overlayPath) =>
        state.SourcePath == overlayPath || state.Backing.Contains(overlayPath);

    /// <summary>Whether what a definition names depends on the overlay; true when that cannot be told.</summary>
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
            return (await images.ReadChainAsync(path, state.Format, CancellationToken.None)).Any(layer => layer.FilePath == pin.OverlayPath);
        }
        catch (KvmBackupException failure)
        {
            log.Warning("What {Path} depends on is not known: {Message}", path, failure.Message);
            return true;
        }
    }

    private static PlannedOverlay OverlayOf(JournalPin pin) => new(pin.Target, pin.BasePath, pin.BaseFormat, pin.OverlayPath)
    {
        Encryption = pin.Encryption,
    };

    private static bool IsBaseSame(JournalPin pin) => Path.Exists(pin.BasePath) && LocalFile.Identify(pin.BasePath) == pin.Base;

    private string Advise(DomainFacts domain, JournalPin pin, RecoveryAdvice advice) => advice switch
    {
        RecoveryAdvice.CommitOrDiscard => OverlayAdvice.CommitOrDiscard(OverlayOf(pin)),
        RecoveryAdvice.CommitBelow => $"Type: {OverlayAdvice.CommitBelow(host.CommandLine, domain.Uuid, OverlayOf(pin), domain.IsActive)}",
        RecoveryAdvice.KeepAsideOrDiscard => OverlayAdvice.KeepAsideOrDiscard(pin.OverlayPath),
        _ => $"When the disk's source is right in the domain's definition, type: {OverlayAdvice.Recover}",
    };

    private async Task<DomainRecoveryReport> GoneAsync(JournalEntry entry, string? thawTrouble, List<string> deeds)
    {
        bool isRecovered = true;
        foreach (JournalPin pin in entry.Pins.Where(pin => pin.State != PinState.Released))
        {
            try
            {
                deeds.AddRange(await release.ReleaseGoneAsync(entry.DomainName, OverlayOf(pin), pin.Overlay, IsBaseSame(pin))
                    ? [$"disk {pin.Target}: nothing of the guest was in its overlay, which was removed"] : []);
            }
            catch (KvmBackupException failure)
            {
                // Told each time, until the operator has decided: with the overlay the entry goes.
                log.Error("{Message}", failure.Message);
                deeds.Add(failure.Message);
                isRecovered = false;
            }
        }

        if (!isRecovered)
        {
            return new DomainRecoveryReport(entry.DomainName.Value, false, deeds);
        }

        deeds.AddRange(await cluster.RecoverAsync(entry, journal.PendingDeletions));
        await journal.Resume(entry).CloseAsync(CancellationToken.None);
        if (ImageIdentity.Find(entry.DomainName) is not null)
        {
            deeds.Add($"the interrupted backup {entry.BackupId} (it came as far as {entry.Step}) is undone");
            return new DomainRecoveryReport(entry.DomainName.Value, true, deeds);
        }

        deeds.Add("libvirt has no such domain any more, and no overlay is left: there is nothing to undo"
            + (thawTrouble is null && !MayBeFrozenElsewhere(entry) ? string.Empty
                : $"; if it was migrated, it may be frozen there: type on that host: `{host.CommandLine} domfsthaw {entry.DomainUuid}`"));
        return new DomainRecoveryReport(entry.DomainName.Value, true, deeds);
    }

    // A guest that was migrated takes its freeze along.
    private static bool MayBeFrozenElsewhere(JournalEntry entry) =>
        entry.Freeze == FreezeState.Freezing && Journal.IsFromThisBoot(entry);

    private static string Describe(RecoveryAction action, JournalPin pin) => action switch
    {
        RecoveryAction.Release => $"committed into {pin.BasePath}",
        RecoveryAction.RepairDefinition => "the definition was set back, and the overlay removed",
        RecoveryAction.RemoveOverlay => "the overlay was removed",
        _ => "nothing to do",
    };
}
