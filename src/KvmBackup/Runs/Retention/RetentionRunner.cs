using KvmBackup.Planning;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Retention;

/// <summary>Lets old backups go, after a new one is proven.</summary>
public sealed class RetentionRunner(ILogger log)
{
    /// <param name="directory">The domain's backups.</param>
    /// <param name="policy">How long they stay.</param>
    /// <param name="proof">The newest good backup.</param>
    /// <param name="held">The lock of the directory.</param>
    /// <returns>What was removed.</returns>
    /// <exception cref="KvmBackupException">A backup could not be removed.</exception>
    public IReadOnlyList<RetentionVerdict> Retain(
        DomainDirectory directory, RetentionPolicy policy, CompletedBackup proof, DomainLock held)
    {
        RetentionDecision decision = RetentionPlanner.Decide(policy, proof, directory.List().Backups);
        RetentionVerdict[] removed = [.. decision.Verdicts.Where(verdict => !verdict.IsKept)];
        foreach (RetentionVerdict verdict in removed)
        {
            directory.Remove(verdict.Backup, proof, held);
            log.Information(
                "{Domain}: {Id} {Reason}", proof.Domain, verdict.Backup.Id, verdict.Reason);
        }

        return removed;
    }
}
