using KvmBackup.Planning;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Retention;

/// <summary>Deletes old backups after a new one is published.</summary>
public sealed class RetentionRunner(ILogger log)
{
    /// <param name="directory">The domain's directory.</param>
    /// <param name="backups">Its backups.</param>
    /// <param name="policy">The retention policy.</param>
    /// <param name="proof">The newest good backup.</param>
    /// <param name="held">The lock of the directory.</param>
    /// <returns>The deleted backups.</returns>
    /// <exception cref="KvmBackupException">A backup could not be deleted.</exception>
    public IReadOnlyList<RetentionVerdict> Retain(
        DomainDirectory directory, IReadOnlyList<CompletedBackup> backups, RetentionPolicy policy,
        CompletedBackup proof, DomainLock held)
    {
        RetentionDecision decision = RetentionPlanner.Decide(policy, proof, backups);
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
