namespace KvmBackup.Reporting.Json;

/// <summary>The report of <c>prune</c>.</summary>
internal sealed record PruneJson(
    bool IsDryRun, RetentionJson[] Backups, MergedBackupJson[] Merged, MessageJson[] Notes, MessageJson[] Damages,
    MessageJson[] Failures) : ReportJson
{
    public static PruneJson Of(PruneReport report) => new(
        report.IsDryRun, RetentionJson.All(report.Verdicts), MergedBackupJson.All(report.Merged),
        MessageJson.All(report.Notes), MessageJson.All(report.Damages), MessageJson.All(report.Failures));
}
