namespace KvmBackup.Reporting.Json;

/// <summary>The report of <c>restore</c> and <c>assemble</c>.</summary>
internal sealed record RestoreJson(
    string Domain, string Id, string Name, bool IsDryRun, IReadOnlyList<string> WrittenFiles,
    IReadOnlyList<string> KeptFiles, bool IsDefined, bool IsStarted, bool IsAutostarted,
    string? StartCommand, long DataBytes, double ElapsedSeconds, IReadOnlyList<string> Warnings,
    MessageJson[] PlannedActions, string? Hint) : ReportJson
{
    public static RestoreJson Of(RestoreReport report, bool isDryRun) => new(
        report.Domain.Value, $"{report.Id}", report.Name.Value, isDryRun, report.WrittenFiles, report.KeptFiles,
        report.IsDefined, report.IsStarted, report.IsAutostarted, report.StartCommand, report.DataBytes,
        report.Elapsed.TotalSeconds, report.Warnings, isDryRun ? MessageJson.All(report.Commands) : [],
        isDryRun || report.Commands.Count == 0 ? null : string.Join('\n', report.Commands));
}

/// <summary>The report of <c>restore --salvage</c>.</summary>
internal sealed record SalvageJson(
    string Domain, string Id, SalvagedFileJson[] SalvagedFiles, MessageJson[] Failures, double ElapsedSeconds)
    : ReportJson
{
    public static SalvageJson Of(SalvageReport report) => new(
        report.Domain.Value, $"{report.Id}", [.. report.Files.Select(SalvagedFileJson.Of)],
        MessageJson.All(report.Notes), report.Elapsed.TotalSeconds);
}

/// <summary>A file out of a damaged backup.</summary>
internal sealed record SalvagedFileJson(
    string Path, long SizeBytes, bool IsIntact, ExtentJson[] Missing, ExtentJson[] Unverified)
{
    public static SalvagedFileJson Of(SalvagedFile file) => new(
        file.FilePath, file.SizeBytes, file.IsIntact, ExtentJson.All(file.Missing), ExtentJson.All(file.Unproven));
}
