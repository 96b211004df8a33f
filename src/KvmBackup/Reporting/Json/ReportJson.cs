using System.Text.Json.Serialization;

namespace KvmBackup.Reporting.Json;

/// <summary>The fields that begin every JSON document, of reports and of failures.</summary>
internal abstract record ReportJson
{
    /// <summary>Increased when a field is removed, renamed or gets another meaning; not when one is added.</summary>
    [JsonPropertyOrder(-4)]
    public int SchemaVersion { get; } = 1;

    /// <summary>The command as typed, <c>snapshots list</c>; null when the command line names none.</summary>
    [JsonPropertyOrder(-3)]
    public string? Command { get; init; }

    /// <summary>The exit code of the process.</summary>
    [JsonPropertyOrder(-2)]
    public int ExitCode { get; init; }

    /// <summary>The reason for the lack of a report; null in a report.</summary>
    [JsonPropertyOrder(-1)]
    public ErrorJson? Error { get; init; }
}

/// <summary>A command that ended without a report.</summary>
internal sealed record FailureJson : ReportJson;

/// <summary>The failure of a command.</summary>
/// <param name="Code">The name of the exit code.</param>
/// <param name="Message">Prose; lines are separated by line feeds.</param>
internal sealed record ErrorJson(string Code, string Message);

/// <summary>An entry of a list of prose. An object, so that fields can be added.</summary>
internal sealed record MessageJson(string Message)
{
    public static MessageJson[] All(IEnumerable<string> messages) =>
        [.. messages.Select(text => new MessageJson(text))];
}

/// <summary>A range of bytes.</summary>
internal sealed record ExtentJson(long OffsetBytes, long LengthBytes)
{
    public static ExtentJson[] All(IEnumerable<Extent> extents) =>
        [.. extents.Select(extent => new ExtentJson(extent.OffsetBytes, extent.LengthBytes))];
}
