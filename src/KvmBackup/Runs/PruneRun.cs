using KvmBackup.Configuration;
using KvmBackup.Model;
using KvmBackup.Planning;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>Retention now, without a backup: the newest good one that is there takes the place of the proof.</summary>
public sealed class PruneRun(HostSettings settings, BackupDirectory target, Merger merger, TimeSpan wait, ILogger log)
{
    public async Task<PruneReport> RunAsync(bool isDryRun, CancellationToken cancellationToken)
    {
        List<RetentionVerdict> verdicts = [];
        List<CompletedBackup> merged = [];
        List<string> notes = [];
        List<string> failures = [];
        int locked = 0;
        foreach (DomainName name in target.ListDomains())
        {
            try
            {
                if (FindSettings(name) is not { } terms)
                {
                    notes.Add($"{name}: {Tell(name)}; its backups stay until you delete them");
                    continue;
                }

                DomainDirectory directory = target.ForDomain(name);
                using DomainLock? held = isDryRun ? null : await directory.LockAsync(wait, cancellationToken);
                MergeResult merges = await MergeAsync(directory, terms, held, notes, cancellationToken);
                merged.AddRange(merges.Merged);
                verdicts.AddRange([.. Prune(directory, terms, held), .. merges.Removed]);
            }
            catch (KvmBackupException failure)
            {
                failures.Add($"{name}: {failure.Message}");
                locked += failure.ExitCode == ExitCode.AlreadyRunning ? 1 : 0;
                log.Error("{Domain}: {Message}", name, failure.Message);
            }
        }

        return new PruneReport(verdicts, notes, failures, isDryRun) { Merged = merged, LockedCount = locked };
    }

    // A domain that is found by its pool need not be asked for: its newest backup tells which pools it was in.
    private BackupSettings? FindSettings(DomainName name) => settings.FindSettings(
        name, target.ForDomain(name).List().Backups is [{ } newest, ..] ? newest.Manifest.FindImages() : []);

    private static string Tell(DomainName name) => ImageIdentity.Find(name) is null
        ? "not in the configuration" : "no selection of images of the configuration covers it";

    /// <summary>The oldest increments first, so that what they stand on can go now.</summary>
    private async Task<MergeResult> MergeAsync(
        DomainDirectory directory, BackupSettings terms, DomainLock? held, List<string> notes, CancellationToken cancellationToken)
    {
        IReadOnlyList<CompletedBackup> backups = directory.List().Backups;
        if (terms.FullEvery is not { IsMerging: true } || backups.Count == 0)
        {
            return MergeResult.Nothing;
        }

        if (held is not null)
        {
            return await merger.MergeAsync(directory, terms, backups[0], held, cancellationToken);
        }

        notes.AddRange(MergePlanner.Plan(terms.Retention, backups[0], backups) is not { } plan ? [] : new[]
        {
            $"{backups[0].Domain}: would merge {string.Join(", ", plan.From.SkipLast(1).Select(one => one.Id))} into {plan.Point.Id}",
        });
        return MergeResult.Nothing;
    }

    private IReadOnlyList<RetentionVerdict> Prune(DomainDirectory directory, BackupSettings terms, DomainLock? held)
    {
        RetentionDecision decision = RetentionPlanner.Decide(terms.Retention, directory.List().Backups);
        if (held is not null)
        {
            foreach (RetentionVerdict verdict in decision.Verdicts.Where(verdict => !verdict.IsKept))
            {
                CompletedBackup proof = decision.Verdicts.First(
                    other => other.IsKept && other.Backup.Manifest.DomainUuid == verdict.Backup.Manifest.DomainUuid).Backup;
                directory.Remove(verdict.Backup, proof, held);
                log.Information("{Domain}: {Id} {Reason}", verdict.Backup.Domain, verdict.Backup.Id, verdict.Reason);
            }
        }

        return decision.Verdicts;
    }
}
