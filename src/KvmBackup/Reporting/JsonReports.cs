using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using KvmBackup.Reporting.Json;

namespace KvmBackup.Reporting;

/// <summary>Reports as JSON for programs: one document per command, in the form of the types in <c>Json</c>.</summary>
/// <param name="output">Standard output.</param>
/// <param name="command">The command as typed; null when the command line names none.</param>
/// <param name="settle">Gives the exit code of the process for that of a report; a signal changes it.</param>
public sealed class JsonReports(TextWriter output, string? command, Func<ExitCode, ExitCode> settle) : IReports
{
    // Control characters and lone surrogates are escaped or replaced; letters of all languages stay readable.
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public void Print(RunReport report) => Write(RunJson.Of(report), settle(report.ExitCode));

    public void Print(ListReport report) => Write(ListJson.Of(report), settle(report.ExitCode));

    public void Print(CompletedBackup backup, bool withFiles) =>
        Write(ShowJson.Of(backup, withFiles), settle(ExitCode.Done));

    public void Print(VerifyReport report) => Write(VerifyJson.Of(report), settle(report.ExitCode));

    public void Print(RestoreReport report, bool isDryRun) =>
        Write(RestoreJson.Of(report, isDryRun), settle(ExitCode.Done));

    public void Print(SalvageReport report) => Write(SalvageJson.Of(report), settle(report.ExitCode));

    public void Print(PruneReport report) => Write(PruneJson.Of(report), settle(report.ExitCode));

    public void Print(CheckReport report) => Write(CheckJson.Of(report), settle(report.ExitCode));

    public void Print(RecoveryReport report) => Write(RecoverJson.Of(report), settle(report.ExitCode));

    public void Print(SnapshotsReport report) => Write(SnapshotsJson.Of(report), settle(report.ExitCode));

    public void Print(CompareReport report) => Write(CompareJson.Of(report), settle(report.ExitCode));

    public void PrintError(string message, ExitCode exitCode) =>
        Write(new FailureJson { Error = new ErrorJson(JsonValue.Name(exitCode), message) }, exitCode);

    private void Write(ReportJson report, ExitCode exitCode)
    {
        ReportJson json = report with { Command = command, ExitCode = (int)exitCode };
        using MemoryStream buffer = new();
        using (Utf8JsonWriter writer = new(buffer, Options))
        {
            JsonSerializer.Serialize(writer, json, ReportJsonContext.Default.GetTypeInfo(json.GetType())!);
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }
}
