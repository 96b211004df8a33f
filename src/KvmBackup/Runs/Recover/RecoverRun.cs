using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Recover;

/// <summary>Undoes what dead runs have left on this host: thaws first, then brings the disks back.</summary>
public sealed class RecoverRun(
    LibvirtHost host, DomainRecovery recovery, Journal journal, string stateDirectory, IReadOnlyList<string> scratchParents,
    TimeProvider time, ILogger log)
{
    private const string OfRestores = "restore";

    // As long as two disks may take that are committed one after the other.
    private static readonly TimeSpan LongestRecovery = TimeSpan.FromHours(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>As a command: alone on this host.</summary>
    /// <exception cref="KvmBackupException">A run is at work, or the journal or libvirt cannot be asked.</exception>
    public async Task<RecoveryReport> RunAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        if (journal.ListOpen().Count == 0 && journal.ListDamaged().Count == 0 && journal.PendingDeletions.List().Count == 0)
        {
            return new RecoveryReport(await CleanAsync());
        }

        using RunLock held = await WaitForOthersAsync(wait, cancellationToken);
        return await RecoverAsync(cancellationToken);
    }

    /// <summary>Waits for another recovery, such as that of the watcher of a killed run, and for a run only as long as it was told.</summary>
    private async Task<RunLock> WaitForOthersAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await RunLock.AcquireToRecoverAsync(stateDirectory, wait, time, cancellationToken);
            }
            catch (StorageException failure) when (failure.ExitCode == ExitCode.AlreadyRunning
                && RunLock.IsTakenToRecover(stateDirectory) && time.GetElapsedTime(start) < LongestRecovery)
            {
                log.Information("Another recovery is at work; waiting for it: {Message}", failure.Message);
                wait = Pause;
            }
        }
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
        string[] deeds = [.. await ScratchFolder.RemoveAbandonedAsync(scratchParents, time), .. journal.Restores.RemoveLeft()];
        return deeds.Length > 0 ? [new DomainRecoveryReport(OfRestores, true, deeds)] : [];
    }

    private DomainRecoveryReport Describe(DamagedEntry damaged) => new(
        damaged.FilePath, false,
        [
            $"the journal's file {damaged.FilePath} cannot be read: {damaged.Reason}. The domain is the one whose UUID is its "
            + "name. To forget what that file tells: `rm " + ShellWord.Quote(damaged.FilePath) + "` ; the next run then names each disk that "
            + "is still on an overlay of ours, and the command that commits it. Which these are shows: "
            + $"`{host.CommandLine} domblklist {ShellWord.Quote(Path.GetFileNameWithoutExtension(damaged.FilePath))}`",
        ]);
}
