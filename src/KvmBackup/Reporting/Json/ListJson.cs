namespace KvmBackup.Reporting.Json;

/// <summary>The report of <c>list</c>.</summary>
internal sealed record ListJson(
    string Directory, StoredBackupJson[] Backups, MessageJson[] Unusable, MessageJson[] Damages) : ReportJson
{
    public static ListJson Of(ListReport report) => new(
        report.DirectoryPath, [.. report.Backups.Select(StoredBackupJson.Of)], MessageJson.All(report.Unusable),
        MessageJson.All(report.Damages));
}
