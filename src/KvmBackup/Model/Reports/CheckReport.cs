namespace KvmBackup.Model.Reports;

/// <summary>The state of this host as far as backups go.</summary>
public sealed record CheckReport(IReadOnlyList<Finding> Findings)
{
    public ExitCode ExitCode =>
        Findings.Any(finding => finding is { Severity: FindingSeverity.Bad, IsDamage: false }) ? ExitCode.Failed
        : Findings.Any(finding => finding.IsDamage) ? ExitCode.DamageFound : ExitCode.Done;
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Subject">What: a program, a directory, a domain.</param>
/// <param name="Severity">How it is.</param>
/// <param name="Text">What was found.</param>
/// <param name="Hint">What to do; null when nothing is to be done.</param>
public sealed record Finding(string Subject, FindingSeverity Severity, string Text, string? Hint)
{
    /// <summary>A backup is damaged.</summary>
    public bool IsDamage { get; init; }
}

/// <summary>How bad a finding is.</summary>
public enum FindingSeverity
{
    Good,

    /// <summary>Backups work, but less well than they could.</summary>
    Warning,

    /// <summary>Backups fail.</summary>
    Bad,
}
