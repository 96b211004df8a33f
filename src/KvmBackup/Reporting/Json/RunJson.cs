namespace KvmBackup.Reporting.Json;

/// <summary>The report of <c>run</c> and <c>backup</c>.</summary>
internal sealed record RunJson(
    string StartedAt, double ElapsedSeconds, RecoveryJson[] Recovery, JobJson[] Jobs) : ReportJson
{
    public static RunJson Of(RunReport report) => new(
        JsonValue.Time(report.StartedAt), report.Elapsed.TotalSeconds, RecoveryJson.All(report.Recovery),
        [.. report.Jobs.Select(JobJson.Of)]);
}

/// <summary>The backup of one domain or image.</summary>
internal sealed record JobJson(
    string Domain, string Outcome, string Reason, double ElapsedSeconds, BackupJson? Backup,
    IReadOnlyList<string> Warnings, MessageJson[] Damages, RetentionJson[] Removed, MergedBackupJson[] Merged,
    IReadOnlyList<string> Commands)
{
    public static JobJson Of(JobReport job) => new(
        job.Domain.Value, JsonValue.Name(job.Outcome), job.Reason, job.Elapsed.TotalSeconds,
        job.Backup is { } backup ? BackupJson.Of(backup) : null, job.Warnings, MessageJson.All(job.Damages),
        RetentionJson.All(job.Removed), MergedBackupJson.All(job.Merged), job.Commands);
}
