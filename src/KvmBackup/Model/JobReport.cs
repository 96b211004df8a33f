namespace KvmBackup.Model;

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
