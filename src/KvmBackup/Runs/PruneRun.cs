using KvmBackup.Configuration;
using KvmBackup.Model;
using KvmBackup.Planning;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>Retention now, without a backup: the newest good one that is there takes the place of the proof.</summary>
public sealed class PruneRun(HostSettings settings, BackupDirectory target, TimeSpan wait, ILogger log)
{
    public async Task<PruneReport> RunAsync(bool isDryRun, CancellationToken cancellationToken)
    {
        List<RetentionVerdict> verdicts = [];
        List<string> notes = [];
        List<string> failures = [];
        foreach (DomainName name in target.ListDomains())
        {
            try
            {
                if (FindSettings(name) is not { } terms)
                {
                    notes.Add($"{name}: {Tell(name)}; its backups stay until you delete them");
                    continue;
                }

                verdicts.AddRange(await PruneAsync(name, terms, isDryRun, cancellationToken));
            }
            catch (KvmBackupException failure)
            {
                failures.Add($"{name}: {failure.Message}");
                log.Error("{Domain}: {Message}", name, failure.Message);
            }
        }

        return new PruneReport(verdicts, notes, failures, isDryRun);
    }

    // A domain that is found by its pool need not be asked for: its newest backup tells which pools it was in.
    private BackupSettings? FindSettings(DomainName name) => settings.FindSettings(
        name, target.ForDomain(name).List().Backups is [{ } newest, ..] ? newest.Manifest.FindImages() : []);

    private static string Tell(DomainName name) => ImageIdentity.Find(name) is null
        ? "not in the configuration" : "no selection of images of the configuration covers it";

    private async Task<IReadOnlyList<RetentionVerdict>> PruneAsync(
        DomainName name, BackupSettings terms, bool isDryRun, CancellationToken cancellationToken)
    {
        DomainDirectory directory = target.ForDomain(name);
        using DomainLock? held = isDryRun ? null : await directory.LockAsync(wait, cancellationToken);
        RetentionDecision decision = RetentionPlanner.Decide(terms.Retention, directory.List().Backups);
        if (held is not null)
        {
            foreach (RetentionVerdict verdict in decision.Verdicts.Where(verdict => !verdict.IsKept))
            {
                CompletedBackup proof = decision.Verdicts.First(
                    other => other.IsKept && other.Backup.Manifest.DomainUuid == verdict.Backup.Manifest.DomainUuid).Backup;
                directory.Remove(verdict.Backup, proof, held);
                log.Information("{Domain}: {Id} {Reason}", name, verdict.Backup.Id, verdict.Reason);
            }
        }

        return decision.Verdicts;
    }
}
