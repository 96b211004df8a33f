using System.Text.Json;
using System.Text.Json.Nodes;

namespace KvmBackup.Reporting;

/// <summary>A backup next to its source, for programs.</summary>
internal static class ComparisonJson
{
    public static JsonObject Of(CompareReport report) => new()
    {
        ["exit_code"] = (int)report.ExitCode,
        ["domain"] = report.Domain.Value,
        ["id"] = report.Id.ToString(),
        ["source"] = report.Source.Value,
        ["consistency"] = Word(report.Consistency),
        ["is_same"] = report.IsSame,
        ["elapsed_seconds"] = report.Elapsed.TotalSeconds,
        ["files"] = new JsonArray([.. report.Files.Select(Of)]),
        ["warnings"] = new JsonArray([.. report.Warnings.Select(text => (JsonNode)text)]),
        ["troubles"] = new JsonArray([.. report.Troubles.Select(text => (JsonNode)text)]),
    };

    private static JsonNode Of(FileComparison file) => new JsonObject
    {
        ["target"] = file.Target.Value,
        ["file"] = file.Name,
        ["verdict"] = Word(file.Verdict),
        ["note"] = file.Note,
        ["backup_bytes"] = file.BackupBytes,
        ["source_bytes"] = file.SourceBytes,
        ["different_bytes"] = file.DifferentBytes,
        ["first_difference_bytes"] = file.FirstDifferenceBytes,
        ["difference_count"] = file.DifferenceCount,
        ["differences"] = new JsonArray([.. file.Differences.Select(run => (JsonNode)new JsonObject
        {
            ["offset_bytes"] = run.OffsetBytes,
            ["length_bytes"] = run.LengthBytes,
        })]),
    };

    private static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
