namespace KvmBackup.Model.Reports;

/// <summary>The report of a backup run.</summary>
public sealed record RunReport(
    DateTimeOffset StartedAt, TimeSpan Elapsed, RecoveryReport Recovery, IReadOnlyList<JobReport> Jobs)
{
    /// <summary>The exit code of the worst outcome.</summary>
    public ExitCode ExitCode
    {
        get
        {
            if (Recovery.ExitCode == ExitCode.ManualActionRequired
                || Jobs.Any(job => job.Outcome == JobOutcome.NeedsManualAction))
            {
                return ExitCode.ManualActionRequired;
            }

            int failed = Jobs.Count(job => job.Outcome == JobOutcome.Failed);
            if (failed > 0 && failed == Jobs.Count(job => job.IsLocked))
            {
                return ExitCode.AlreadyRunning;
            }

            bool anyGood = Jobs.Any(job => job.Outcome is JobOutcome.Succeeded or JobOutcome.Planned);
            return failed == 0 && Jobs.Any(job => job.Damages.Count > 0) ? ExitCode.DamageFound
                : failed == 0 ? ExitCode.Done : anyGood ? ExitCode.SomeDomainsFailed : ExitCode.Failed;
        }
    }
}

/// <summary>The report of one domain's job.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Outcome">The outcome.</param>
/// <param name="Reason">Why the job was due or skipped, or what failed and what to do.</param>
/// <param name="Backup">The manifest of the backup; null when there is none.</param>
/// <param name="Elapsed">Duration.</param>
/// <param name="Warnings">Warnings for the operator.</param>
/// <param name="Removed">The backups that retention removed, each with its reason.</param>
/// <param name="Commands">The commands that a dry run skipped; empty otherwise.</param>
public sealed record JobReport(
    DomainName Domain,
    JobOutcome Outcome,
    string Reason,
    Manifest? Backup,
    TimeSpan Elapsed,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<RetentionVerdict> Removed,
    IReadOnlyList<string> Commands)
{
    /// <summary>The increments that were merged with their bases into full backups.</summary>
    public IReadOnlyList<CompletedBackup> Merged { get; init; } = [];

    /// <summary>Damage to earlier backups that names and sizes of files show.</summary>
    public IReadOnlyList<string> Damages { get; init; } = [];

    /// <summary>The job failed because another run, here or on another host, uses the same backups.</summary>
    public bool IsLocked { get; init; }

    /// <summary>The report of a job that was not started.</summary>
    public static JobReport Without(DomainName domain, JobOutcome outcome, string reason) =>
        new(domain, outcome, reason, null, TimeSpan.Zero, [], [], []);
}

/// <summary>The outcome of one domain's job.</summary>
public enum JobOutcome
{
    Succeeded,

    /// <summary>Not due.</summary>
    Skipped,

    /// <summary>A dry run found no obstacle.</summary>
    Planned,
    Failed,

    /// <summary>The guest is left in a state that requires manual action.</summary>
    NeedsManualAction,
}

/// <summary>The progress of a job.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Step">The current step: <c>reading vda</c>.</param>
/// <param name="DoneBytes">Bytes of content processed.</param>
/// <param name="TotalBytes">Bytes of content in total.</param>
public sealed record TransferProgress(DomainName Domain, string Step, long DoneBytes, long TotalBytes);
