using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Model;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>Undoes what dead runs have left on this host: thaws first, then brings the disks back.</summary>
public sealed class RecoverRun(
    LibvirtHost host, DomainRecovery recovery, Journal journal, string stateDirectory, IReadOnlyList<string> scratchParents,
    TimeProvider time, ILogger log)
{
    private const string OfRestores = "restore";

    /// <summary>As a command: alone on this host.</summary>
    /// <exception cref="KvmBackupException">A run is at work, or the journal or libvirt cannot be asked.</exception>
    public async Task<RecoveryReport> RunAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        if (journal.ListOpen().Count == 0 && journal.ListDamaged().Count == 0 && journal.Owed.List().Count == 0)
        {
            return new RecoveryReport(await CleanAsync());
        }

        using RunLock held = await RunLock.AcquireAsync(stateDirectory, wait, time, cancellationToken);
        return await RecoverAsync(cancellationToken);
    }

    /// <summary>At the start of a run, which is alone on this host.</summary>
    public async Task<RecoveryReport> RecoverAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<JournalEntry> entries = journal.ListOpen();
        List<DomainRecoveryReport> reports = [.. journal.ListDamaged().Select(Describe)];
        if (entries.Count == 0)
        {
            return new RecoveryReport([.. reports, .. await CleanAsync(), .. await recovery.SettleAsync()]);
        }

        log.Warning("An interrupted run left {Count} domain(s) to mend", entries.Count);
        List<(JournalEntry Entry, string? Trouble)> thawed = [];
        foreach (JournalEntry entry in entries)
        {
            thawed.Add((entry, await recovery.ThawAsync(entry)));
        }

        bool hasGuest = entries.Any(entry => ImageIdentity.Find(entry.DomainName) is null);
        IReadOnlyList<DomainIdentity> known = hasGuest ? await host.ListAsync(cancellationToken) : [];
        foreach ((JournalEntry entry, string? trouble) in thawed)
        {
            cancellationToken.ThrowIfCancellationRequested();
            reports.Add(await recovery.RecoverAsync(entry, trouble, known));
        }

        return new RecoveryReport([.. reports, .. await CleanAsync()]);
    }

    /// <summary>What killed restores have left: no guest waits for it.</summary>
    private async Task<IReadOnlyList<DomainRecoveryReport>> CleanAsync()
    {
        string[] deeds = [.. await ScratchFolder.RemoveLeftAsync(scratchParents, time), .. journal.Restores.RemoveLeft()];
        return deeds.Length > 0 ? [new DomainRecoveryReport(OfRestores, true, deeds)] : [];
    }

    private static DomainRecoveryReport Describe(DamagedEntry damaged) => new(
        damaged.FilePath, false,
        [
            $"the journal's file {damaged.FilePath} cannot be read: {damaged.Reason}. The domain is the one whose UUID is its "
            + $"name: see whether a disk is on a kvmbackup overlay: virsh domblklist {ShellWord.Quote(Path.GetFileNameWithoutExtension(damaged.FilePath))} ; "
            + "if so commit it: virsh blockcommit UUID DISK --shallow --active --pivot --verbose ; then delete that file of the journal",
        ]);
}
