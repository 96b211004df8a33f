using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Recover;

/// <summary>
/// Undoes what interrupted runs have left on this host: thaws the guests first, then moves the disks back.
/// </summary>
public sealed class RecoverRun(
    LibvirtHost host, DomainRecovery recovery, Journal journal, string stateDirectory,
    IReadOnlyList<string> scratchParents,
    TimeProvider time, ILogger log)
{
    private const string RestoreSubject = "restore";

    // Two disks that are committed one after the other.
    private static readonly TimeSpan LongestRecovery = TimeSpan.FromHours(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Runs as a command, with the lock of this host.</summary>
    /// <exception cref="KvmBackupException">Another run is active, or the journal or libvirt cannot be
    /// read.</exception>
    public async Task<RecoveryReport> RunAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        if (journal.ListOpen().Count == 0 && journal.ListDamaged().Count == 0
            && journal.PendingDeletions.List().Count == 0)
        {
            return new RecoveryReport(await CleanAsync());
        }

        using RunLock held = await WaitForOthersAsync(wait, cancellationToken);
        return await RecoverAsync(cancellationToken);
    }

    /// <summary>
    /// Waits for another recovery, such as that of the watcher of a killed run, and for a backup only for <paramref
    /// name="wait"/>.
    /// </summary>
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
                log.Information("Another recovery is active; waiting for it: {Message}", failure.Message);
                wait = Pause;
            }
        }
    }

    /// <summary>Recovers at the start of a run, which holds the lock of this host.</summary>
    public async Task<RecoveryReport> RecoverAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<JournalEntry> entries = journal.ListOpen();
        List<DomainRecoveryReport> reports = [.. journal.ListDamaged().Select(Describe)];
        if (entries.Count == 0)
        {
            return new RecoveryReport([.. reports, .. await CleanAsync(), .. await recovery.SettleAsync()]);
        }

        log.Warning("An interrupted run left {Count} domain(s) to recover", entries.Count);
        List<(JournalEntry Entry, string? Problem)> thawed = [];
        foreach (JournalEntry entry in entries)
        {
            thawed.Add((entry, await recovery.ThawAsync(entry)));
        }

        bool hasGuest = entries.Any(entry => ImageIdentity.Find(entry.DomainName) is null);
        IReadOnlyList<DomainIdentity> known = hasGuest ? await host.ListAsync(cancellationToken) : [];
        foreach ((JournalEntry entry, string? problem) in thawed)
        {
            cancellationToken.ThrowIfCancellationRequested();
            reports.Add(await recovery.RecoverAsync(entry, problem, known));
        }

        return new RecoveryReport([.. reports, .. await CleanAsync()]);
    }

    /// <summary>Removes what interrupted restores have left; no guest is affected.</summary>
    private async Task<IReadOnlyList<DomainRecoveryReport>> CleanAsync()
    {
        // An unpacked disk is next to its destination, and the journal forgets it together with that file.
        string[] parents = [.. scratchParents.Union(journal.Restores.LeftoverFolders())];
        string[] actions =
            [.. await ScratchFolder.RemoveAbandonedAsync(parents, time), .. journal.Restores.RemoveLeftovers()];
        return actions.Length > 0 ? [new DomainRecoveryReport(RestoreSubject, true, actions)] : [];
    }

    private DomainRecoveryReport Describe(DamagedEntry damaged) => new(
        damaged.FilePath, false,
        [
            $"the journal file {damaged.FilePath} cannot be read: {damaged.Reason}. Its name is the UUID of the "
                + "domain. To discard the entry: `rm " + ShellWord.Quote(damaged.FilePath)
                + $"` ; the next run then reports each disk that is still on an overlay of kvmbackup, and the command "
                + $"that commits it. To list the disks: `{host.CommandLine} domblklist "
                + $"{ShellWord.Quote(Path.GetFileNameWithoutExtension(damaged.FilePath))}`",
        ]);
}
