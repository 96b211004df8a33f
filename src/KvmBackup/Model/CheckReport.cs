namespace KvmBackup.Model;

/// <summary>The state of this host as far as backups go.</summary>
public sealed record CheckReport(IReadOnlyList<Finding> Findings)
{
    public ExitCode ExitCode =>
        Findings.Any(finding => finding.Severity == FindingSeverity.Bad) ? ExitCode.Failed : ExitCode.Done;
}
