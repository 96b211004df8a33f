namespace KvmBackup.Reporting.Json;

/// <summary>The report of <c>check</c>.</summary>
internal sealed record CheckJson(FindingJson[] Findings) : ReportJson
{
    public static CheckJson Of(CheckReport report) => new([.. report.Findings.Select(FindingJson.Of)]);
}

/// <summary>One thing that was checked.</summary>
internal sealed record FindingJson(string Subject, string Severity, bool IsDamage, string Message, string? Hint)
{
    public static FindingJson Of(Finding finding) => new(
        finding.Subject, JsonValue.Name(finding.Severity), finding.IsDamage, finding.Text, finding.Hint);
}
