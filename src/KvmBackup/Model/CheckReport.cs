namespace KvmBackup.Model;

/// <summary>The state of this host as far as backups go.</summary>
public sealed record CheckReport(IReadOnlyList<Finding> Findings)
{
    public ExitCode ExitCode =>
        Findings.Any(finding => finding is { Severity: FindingSeverity.Bad, IsDamage: false }) ? ExitCode.Failed
        : Findings.Any(finding => finding.IsDamage) ? ExitCode.DamageFound : ExitCode.Done;
}
