namespace KvmBackup.Reporting.Json;

/// <summary>The report of <c>compare</c>.</summary>
internal sealed record CompareJson(
    string Domain, string Id, string Source, string Consistency, bool IsSame, double ElapsedSeconds,
    ComparedFileJson[] Files, IReadOnlyList<string> Warnings, MessageJson[] ManualActions, RecoveryJson[] Recovery)
    : ReportJson
{
    public static CompareJson Of(CompareReport report) => new(
        report.Domain.Value, $"{report.Id}", report.Source.Value, JsonValue.Name(report.Consistency), report.IsSame,
        report.Elapsed.TotalSeconds, [.. report.Files.Select(ComparedFileJson.Of)], report.Warnings,
        MessageJson.All(report.ManualActions), RecoveryJson.All(report.Recovery));
}

/// <summary>A file of a disk, compared with its source.</summary>
internal sealed record ComparedFileJson(
    string Disk, string File, string Verdict, string? Reason, long? BackupBytes, long? SourceBytes, long DifferentBytes,
    long? FirstDifferenceBytes, long DifferenceCount, ExtentJson[] Differences)
{
    public static ComparedFileJson Of(FileComparison file) => new(
        file.Target.Value, file.Name, JsonValue.Name(file.Verdict), file.Note, file.BackupBytes, file.SourceBytes,
        file.DifferentBytes, file.FirstDifferenceBytes, file.DifferenceCount, ExtentJson.All(file.Differences));
}
