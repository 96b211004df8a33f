namespace KvmBackup.Model.Reports;

/// <summary>The result of the check of this host.</summary>
public sealed record CheckReport(IReadOnlyList<Finding> Findings)
{
    public ExitCode ExitCode =>
        Findings.Any(finding => finding is { Severity: FindingSeverity.Bad, IsDamage: false }) ? ExitCode.Failed
        : Findings.Any(finding => finding.IsDamage) ? ExitCode.DamageFound : ExitCode.Done;
}

/// <summary>The result of one check.</summary>
/// <param name="Subject">The checked program, directory or domain.</param>
/// <param name="Severity">How bad the finding is.</param>
/// <param name="Text">Description of the finding.</param>
/// <param name="Hint">What to do; null for nothing.</param>
public sealed record Finding(string Subject, FindingSeverity Severity, string Text, string? Hint)
{
    /// <summary>A backup is damaged.</summary>
    public bool IsDamage { get; init; }
}

/// <summary>How bad a finding is.</summary>
public enum FindingSeverity
{
    Good,

    /// <summary>Backups work, with restrictions.</summary>
    Warning,

    /// <summary>Backups fail.</summary>
    Bad,
}
