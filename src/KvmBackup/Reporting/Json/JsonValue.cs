using System.Text.Json;

namespace KvmBackup.Reporting.Json;

/// <summary>Values of one kind in the form that all JSON documents use.</summary>
internal static class JsonValue
{
    /// <summary>An instant in UTC: <c>2026-11-20T02:00:01.1234567Z</c>.</summary>
    public static string Time(DateTimeOffset instant) => instant.UtcDateTime.ToString("O", null);

    public static string[] Ids(IEnumerable<BackupId> ids) => [.. ids.Select(id => $"{id}")];

    /// <summary>The name of a value in snake case; some values have another name in the contract.</summary>
    public static string Name<T>(T value)
        where T : struct, Enum => value switch
        {
            JobOutcome.NeedsManualAction => Name(ExitCode.ManualActionRequired),
            FindingSeverity.Good => "ok",
            FindingSeverity.Bad => "error",
            ComparisonVerdict.OtherSize => "different_size",
            ComparisonVerdict.OtherForm => "different_format",
            _ => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()),
        };
}
