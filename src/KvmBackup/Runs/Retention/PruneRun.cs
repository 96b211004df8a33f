using KvmBackup.Configuration;
using KvmBackup.Planning;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Retention;

/// <summary>Applies retention without a new backup: the newest good backup is the proof.</summary>
public sealed class PruneRun(
    HostSettings settings, BackupDirectory target, Merger merger, TimeSpan wait, TimeProvider time, ILogger log)
{
    /// <exception cref="KvmBackupException">The backup directory is not the file system that it should be, or cannot
    /// be read.</exception>
    public async Task<PruneReport> RunAsync(bool isDryRun, CancellationToken cancellationToken)
    {
        target.DemandMounted();
        List<RetentionVerdict> verdicts = [];
        List<CompletedBackup> merged = [];
        List<string> notes = [];
        DomainFolders folders = target.ListFolders();
        List<string> failures = [.. folders.Unreadable];
        List<string> damages = [];
        int locked = 0;
        foreach (DomainName name in folders.Names)
        {
            try
            {
                damages.AddRange(target.ForDomain(name).List().Damages.Select(damage => $"{name}/{damage}"));
                if (FindSettings(name) is not { } terms)
                {
                    notes.Add($"{name}: {DescribeMissingSettings(name)}; its backups stay until you delete them");
                    continue;
                }

                DomainDirectory directory = target.ForDomain(name);
                using DomainLock? held = isDryRun ? null : await directory.LockAsync(wait, cancellationToken);
                MergeResult merges = await MergeAsync(directory, terms, held, notes, cancellationToken);
                merged.AddRange(merges.Merged);
                verdicts.AddRange([.. Prune(directory, terms, held), .. merges.Removed]);
                IReadOnlyList<CompletedBackup> backups = directory.List().Backups;
                if (ClockNotice.Find(backups, time.GetUtcNow()) is { } notice)
                {
                    (FindProof(backups) is null ? failures : notes).Add($"{name}: {notice}");
                }
            }
            catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
            {
                failures.Add($"{name}: {Failure.Describe(failure)}");
                locked += failure is KvmBackupException { ExitCode: ExitCode.AlreadyRunning } ? 1 : 0;
                log.Error("{Domain}: {Message}", name, Failure.Describe(failure));
            }
        }

        return new PruneReport(verdicts, notes, failures, isDryRun)
        {
            Merged = merged,
            Damages = damages,
            LockedCount = locked,
        };
    }

    // The newest backup contains the group, the title and the pools of a domain that a rule selects.
    private BackupSettings? FindSettings(DomainName name) => settings.FindSettings(
        name, target.ForDomain(name).List().Backups is [{ } newest, ..] ? newest.Manifest : null);

    private static string DescribeMissingSettings(DomainName name) => ImageIdentity.Find(name) is null
        ? "not in the configuration" : "no selection of images of the configuration covers it";

    /// <summary>
    /// Merges the oldest increments first, so that the backups on which they depend can be deleted now.
    /// </summary>
    private async Task<MergeResult> MergeAsync(
        DomainDirectory directory, BackupSettings terms, DomainLock? held, List<string> notes,
        CancellationToken cancellationToken)
    {
        IReadOnlyList<CompletedBackup> backups = directory.List().Backups;
        if (terms.FullEvery is not { IsMerging: true } || FindProof(backups) is not { } proof)
        {
            return MergeResult.Nothing;
        }

        if (held is not null)
        {
            return await merger.MergeAsync(directory, terms, proof, held, cancellationToken);
        }

        notes.AddRange(MergePlanner.Plan(terms.Retention, proof, backups) is not { } plan ? [] : new[]
        {
            $"{proof.Domain}: would merge {string.Join(", ", plan.From.SkipLast(1).Select(one => one.Id))} into "
                + $"{plan.Point.Id}",
        });
        return MergeResult.Nothing;
    }

    private CompletedBackup? FindProof(IReadOnlyList<CompletedBackup> backups) =>
        RetentionPlanner.FindProof(backups, time.GetUtcNow());

    private IReadOnlyList<RetentionVerdict> Prune(DomainDirectory directory, BackupSettings terms, DomainLock? held)
    {
        IReadOnlyList<CompletedBackup> backups = directory.List().Backups;
        RetentionDecision decision = RetentionPlanner.Decide(terms.Retention, backups, time.GetUtcNow());
        if (held is not null && FindProof(backups) is { } proof)
        {
            foreach (RetentionVerdict verdict in decision.Verdicts.Where(verdict => !verdict.IsKept))
            {
                directory.Remove(verdict.Backup, proof, held);
                log.Information("{Domain}: {Id} {Reason}", verdict.Backup.Domain, verdict.Backup.Id, verdict.Reason);
            }
        }

        return decision.Verdicts;
    }
}
