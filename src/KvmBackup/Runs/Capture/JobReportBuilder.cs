namespace KvmBackup.Runs.Capture;

/// <summary>Collects the report of one job while it runs.</summary>
public sealed class JobReportBuilder(DomainName domain, string reason, TimeProvider time)
{
    private readonly long start = time.GetTimestamp();
    private readonly List<string> warnings = [];
    private readonly List<string> problems = [];
    private readonly List<RetentionVerdict> removed = [];
    private readonly List<CompletedBackup> merged = [];
    private readonly List<string> damages = [];
    private Manifest? backup;
    private Exception? failure;

    /// <summary>When the job began.</summary>
    public DateTimeOffset StartedAt { get; } = time.GetUtcNow();

    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>What a person has to fix.</summary>
    public IReadOnlyList<string> Problems => problems;

    public TimeSpan Elapsed => time.GetElapsedTime(start);

    public bool IsGuestClean => problems.Count == 0;

    /// <summary>The failure as text. A failure of the retention is not a failure of the backup.</summary>
    public string FailureText => failure is null ? string.Empty
        : (backup is null ? "NOT BACKED UP: " : "backed up, but then: ") + Failure.Describe(failure);

    public void Warn(string warning) => warnings.Add(warning);

    public void Warn(IEnumerable<string> more) => warnings.AddRange(more);

    /// <summary>Damage of earlier backups.</summary>
    public void Damaged(IEnumerable<string> more) => damages.AddRange(more);

    public void RequireManualAction(IEnumerable<string> more) => problems.AddRange(more);

    public void Removed(IReadOnlyList<RetentionVerdict> verdicts) => removed.AddRange(verdicts);

    public void Merged(IReadOnlyList<CompletedBackup> backups) => merged.AddRange(backups);

    public void Succeed(Manifest manifest) => backup = manifest;

    /// <summary>The failure; it is reported even after a success, such as a failed retention.</summary>
    public void Fail(Exception cause) => failure = cause;

    public JobReport ToReport()
    {
        bool needsManualAction = problems.Count > 0
            || failure is KvmBackupException { ExitCode: ExitCode.ManualActionRequired };
        JobOutcome outcome = needsManualAction ? JobOutcome.NeedsManualAction
            : failure is not null ? JobOutcome.Failed : JobOutcome.Succeeded;
        string text = string.Join(" | ", problems.Concat(failure is null ? [] : [FailureText]));
        return new JobReport(
            domain, outcome, text.Length > 0 ? text : reason, backup, Elapsed, warnings, removed, [])
        {
            Merged = merged,
            Damages = damages,
            IsLocked = failure is KvmBackupException { ExitCode: ExitCode.AlreadyRunning },
        };
    }
}
