namespace KvmBackup.Model.Reports;

/// <summary>What is told about a run.</summary>
public sealed record RunReport(DateTimeOffset StartedAt, TimeSpan Elapsed, RecoveryReport Recovery, IReadOnlyList<JobReport> Jobs)
{
    /// <summary>The code of the worst that happened.</summary>
    public ExitCode ExitCode
    {
        get
        {
            if (Recovery.ExitCode == ExitCode.ManualActionRequired || Jobs.Any(job => job.Outcome == JobOutcome.NeedsManualAction))
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

/// <summary>What is told about one domain's job.</summary>
/// <param name="Domain">Which.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">Why it was due or skipped, or what failed and what to do.</param>
/// <param name="Backup">The manifest of the backup; null when there is none.</param>
/// <param name="Elapsed">How long the job took.</param>
/// <param name="Warnings">What someone should look at.</param>
/// <param name="Removed">The backups that retention removed, each with its reason.</param>
/// <param name="Commands">What a dry run would have run; empty otherwise.</param>
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
    /// <summary>The increments that became full backups, out of what they stood on.</summary>
    public IReadOnlyList<CompletedBackup> Merged { get; init; } = [];

    /// <summary>What names and sizes show to be damaged among its earlier backups.</summary>
    public IReadOnlyList<string> Damages { get; init; } = [];

    /// <summary>It failed because another run, here or on another host, works on the same backups.</summary>
    public bool IsLocked { get; init; }

    /// <summary>Of a job that was not begun.</summary>
    public static JobReport Without(DomainName domain, JobOutcome outcome, string reason) =>
        new(domain, outcome, reason, null, TimeSpan.Zero, [], [], []);
}

/// <summary>How the job of one domain ended.</summary>
public enum JobOutcome
{
    Succeeded,

    /// <summary>Not due.</summary>
    Skipped,

    /// <summary>A dry run has found nothing that speaks against it.</summary>
    Planned,
    Failed,

    /// <summary>The guest is left in a state that needs a person.</summary>
    NeedsManualAction,
}

/// <summary>How far a job is.</summary>
/// <param name="Domain">Whose.</param>
/// <param name="Step">What is being done: <c>reading vda</c>.</param>
/// <param name="DoneBytes">Of the content, up to now.</param>
/// <param name="TotalBytes">Of the content, in all.</param>
public sealed record TransferProgress(DomainName Domain, string Step, long DoneBytes, long TotalBytes);
