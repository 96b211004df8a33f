using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Model;
using KvmBackup.Planning;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>Undoes what one dead run has left of one domain. Safe to repeat, and to die in.</summary>
public sealed class DomainRecovery(
    LibvirtHost host, GuestAgent agent, OverlaySnapshot snapshot, OverlayRelease release, QemuImage images, ImageRecovery cluster,
    Journal journal, ILogger log)
{
    private static readonly TimeSpan CommitLimit = TimeSpan.FromMinutes(30);

    /// <summary>Removes from clusters what earlier runs could not.</summary>
    public Task<IReadOnlyList<DomainRecoveryReport>> SettleAsync() => cluster.SettleAsync(journal.Owed);

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
            return domain is null
                ? await GoneAsync(entry, thawTrouble, deeds)
                : await RecoverAsync(entry, domain, thawTrouble, deeds);
        }
        catch (Exception failure)
        {
            // One domain's failure, of whatever type, stays its own: the others are recovered all the same.
            log.Error("{Domain}: {Message}", entry.DomainName, Failure.Describe(failure));
            deeds.Add($"{Failure.Describe(failure)}; fix that, and run `kvmbackup recover` again");
            return new DomainRecoveryReport((domain?.Name ?? entry.DomainName).Value, false, deeds);
        }
    }

    private async Task<DomainRecoveryReport> RecoverAsync(
        JournalEntry entry, DomainIdentity domain, string? thawTrouble, List<string> deeds)
    {
        bool isMended = thawTrouble is null;
        deeds.AddRange(thawTrouble is null ? [] : [thawTrouble]);
        OpenEntry open = journal.Resume(entry);
        if (isMended && entry.Freeze == FreezeState.Freezing)
        {
            // Owed once: a freeze that somebody begins after this is theirs.
            await open.RecordAsync(now => now with { Freeze = FreezeState.Thawed }, CancellationToken.None);
        }

        if (!await snapshot.TryWaitForEndAsync(domain, CancellationToken.None))
        {
            // The snapshot of a run that was just killed goes on without it: what is seen before its end is not the end.
            deeds.Add(
                $"libvirt still works on the domain: when virsh domjobinfo {domain.Uuid} shows no job any more, run kvmbackup recover again");
            return new DomainRecoveryReport(domain.Name.Value, false, deeds);
        }

        DomainFacts facts = await host.DescribeAsync(domain, CancellationToken.None);
        foreach (JournalPin pin in entry.Pins.Where(pin => pin.State != PinState.Released))
        {
            isMended &= await RecoverDiskAsync(facts, pin, open, deeds);
        }

        if (isMended)
        {
            deeds.AddRange(await cluster.RecoverAsync(entry, journal.Owed));
            await open.CloseAsync(CancellationToken.None);
            deeds.Add($"the interrupted backup {entry.BackupId} (it came as far as {entry.Step}) is undone: the guest is on its own disks");
        }

        return new DomainRecoveryReport(domain.Name.Value, isMended, deeds);
    }

    private async Task<bool> RecoverDiskAsync(DomainFacts domain, JournalPin pin, OpenEntry open, List<string> deeds)
    {
        try
        {
            RecoveryDecision decision = RecoveryPlanner.Decide(await LookAsync(domain, pin));
            log.Information("{Domain}: disk {Target}: {Reason}", domain.Name, pin.Target, decision.Reason);
            if (decision.Action == RecoveryAction.LeaveAlone)
            {
                deeds.Add(
                    $"disk {pin.Target} is left alone: {decision.Reason}. Look with: virsh domblklist {domain.Uuid} ; "
                    + $"qemu-img info -U --backing-chain {ShellWord.Quote(pin.OverlayPath)} . The guest's base is {pin.BasePath}. When the "
                    + "overlay is not needed, move it away and run kvmbackup recover again");
                return false;
            }

            await ActAsync(domain, pin, decision.Action, open);
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

    private async Task ActAsync(DomainFacts domain, JournalPin pin, RecoveryAction action, OpenEntry open)
    {
        PlannedOverlay overlay = new(pin.Target, pin.BasePath, pin.BaseFormat, pin.OverlayPath);
        switch (action)
        {
            case RecoveryAction.Release:
                await open.RecordAsync(entry => entry.WithPin(pin.Target, PinState.Releasing), CancellationToken.None);
                await release.ReleaseAsync(domain, overlay, pin.Overlay, CommitLimit, _ => { });
                break;
            case RecoveryAction.MendDefinition:
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

    private async Task<PinFacts> LookAsync(DomainFacts domain, JournalPin pin)
    {
        DiskState? live = (await host.DiskStatesAsync(domain.Identity, false, CancellationToken.None)).GetValueOrDefault(pin.Target);
        IReadOnlyDictionary<DiskTarget, DiskState> next = await host.DiskStatesAsync(domain.Identity, true, CancellationToken.None);
        DiskState? inactive = next.GetValueOrDefault(pin.Target)
            ?? next.Values.FirstOrDefault(state => state.SourcePath == pin.OverlayPath);
        bool exists = Path.Exists(pin.OverlayPath);
        bool isOurs = exists && OverlayName.IsOurs(pin.OverlayPath)
            && (pin.Overlay is null || LocalFile.Identify(pin.OverlayPath) == pin.Overlay);
        return new PinFacts(
            pin.State, pin.BasePath, pin.OverlayPath, domain.IsActive, live?.SourcePath, inactive?.SourcePath,
            Path.Exists(pin.BasePath) && LocalFile.Identify(pin.BasePath) == pin.Base,
            !exists ? OverlayPresence.Missing : isOurs ? OverlayPresence.Ours : OverlayPresence.Other,
            isOurs && await images.HasOwnDataAsync(pin.OverlayPath, CancellationToken.None))
        {
            IsUnusedSince = pin.BaseWrittenAt is { } time && File.GetLastWriteTimeUtc(pin.BasePath) == time,
        };
    }

    private async Task<DomainRecoveryReport> GoneAsync(JournalEntry entry, string? thawTrouble, List<string> deeds)
    {
        JournalPin[] left = [.. entry.Pins.Where(pin => pin.State != PinState.Released && Path.Exists(pin.OverlayPath))];
        if (left.Length > 0)
        {
            deeds.Add(
                $"libvirt has no domain {entry.DomainUuid} any more (undefined, or migrated away), but overlays of it are still "
                + "here and may hold what the guest wrote: "
                + string.Join("; ", left.Select(pin => $"{pin.OverlayPath} on {pin.BasePath}: qemu-img info -U --backing-chain {ShellWord.Quote(pin.OverlayPath)}"))
                + ". Move them away when they are not needed, and run kvmbackup recover again");
            return new DomainRecoveryReport(entry.DomainName.Value, false, deeds);
        }

        deeds.AddRange(await cluster.RecoverAsync(entry, journal.Owed));
        await journal.Resume(entry).CloseAsync(CancellationToken.None);
        if (ImageIdentity.Find(entry.DomainName) is not null)
        {
            deeds.Add($"the interrupted backup {entry.BackupId} (it came as far as {entry.Step}) is undone");
            return new DomainRecoveryReport(entry.DomainName.Value, true, deeds);
        }

        deeds.Add("libvirt has no such domain any more, and no overlay is left: there is nothing to undo"
            + (thawTrouble is null ? string.Empty
                : $"; if it runs on another host now, it may be frozen: type there: virsh domfsthaw {entry.DomainUuid}"));
        return new DomainRecoveryReport(entry.DomainName.Value, true, deeds);
    }

    private static string Describe(RecoveryAction action, JournalPin pin) => action switch
    {
        RecoveryAction.Release => $"committed into {pin.BasePath}",
        RecoveryAction.MendDefinition => "the definition was set back, and the overlay removed",
        RecoveryAction.RemoveOverlay => "the overlay was removed",
        _ => "nothing to do",
    };
}
