namespace KvmBackup.Reporting.Json;

/// <summary>The report of <c>recover</c>.</summary>
internal sealed record RecoverJson(RecoveryJson[] Recovery) : ReportJson
{
    public static RecoverJson Of(RecoveryReport report) => new(RecoveryJson.All(report));
}

/// <summary>The recovery of one domain or image.</summary>
internal sealed record RecoveryJson(string Domain, bool IsRecovered, MessageJson[] Actions)
{
    public static RecoveryJson[] All(RecoveryReport report) => [.. report.Domains.Select(domain =>
        new RecoveryJson(domain.Name, domain.IsRecovered, MessageJson.All(domain.Actions)))];
}
