using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using KvmBackup.Reporting;

namespace KvmBackup.Tests.Reporting;

/// <summary>The JSON contract: <see cref="GoldenFile"/> holds one document per command.</summary>
public sealed class JsonReportsTests
{
    public static TheoryData<string> Documents => [.. ReportSamples.All.Keys];

    [Theory]
    [MemberData(nameof(Documents))]
    public void A_report_has_the_documented_form(string name) => GoldenFile.AssertEqual(name, Print(name));

    [Fact]
    public void Every_golden_file_belongs_to_a_report() =>
        Assert.Empty(GoldenFile.Names.Except(ReportSamples.All.Keys));

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_document_begins_with_the_same_fields(string name)
    {
        JsonObject json = JsonNode.Parse(Print(name))!.AsObject();

        Assert.Equal(
            ["schema_version", "command", "exit_code", "error"], json.Take(4).Select(field => field.Key));
        Assert.Equal(1, json["schema_version"]!.GetValue<int>());
        Assert.All(Keys(json), key => Assert.Matches(SnakeCase, key));
    }

    [Fact]
    public void Every_field_is_documented()
    {
        string manual = string.Concat(Directory.GetFiles(GoldenFile.ManualFolder, "*.md").Select(File.ReadAllText));
        HashSet<string> documented = [.. Regex.Matches(manual, "[a-z][a-z0-9_]*").Select(match => match.Value)];

        Assert.Empty(ReportSamples.All.Keys.SelectMany(name => Keys(JsonNode.Parse(Print(name)))).Except(documented));
    }

    [Theory]
    [InlineData(ExitCode.Usage, "usage")]
    [InlineData(ExitCode.ManualActionRequired, "manual_action_required")]
    [InlineData(ExitCode.AlreadyRunning, "already_running")]
    [InlineData(ExitCode.Terminated, "terminated")]
    public void A_failure_has_the_name_of_its_exit_code(ExitCode exitCode, string code)
    {
        JsonNode json = JsonNode.Parse(Print("list", reports => reports.PrintError("no", exitCode)))!;

        Assert.Equal(((int)exitCode, code), ((int)json["exit_code"]!, (string)json["error"]!["code"]!));
    }

    [Fact]
    public void A_report_of_an_interrupted_command_has_the_exit_code_of_the_process()
    {
        StringWriter output = new();

        new JsonReports(output, "recover", _ => ExitCode.Interrupted).Print(RecoveryReport.Nothing);

        Assert.Equal(130, (int)JsonNode.Parse(output.ToString())!["exit_code"]!);
    }

    [Fact]
    public void Hostile_text_gives_valid_JSON_without_control_characters()
    {
        const string hostile = "\u001b[2J\n\"\ud800ü\u0085\u2028\udc00\0";
        CompletedBackup backup = ReportSamples.Backup;
        RestoreReport restore = new(
            backup.Domain, backup.Id, backup.Domain, [hostile], [], true, false, 1, TimeSpan.Zero, [], [hostile]);
        foreach (Action<JsonReports> print in new Action<JsonReports>[]
        {
            reports => reports.Print(backup with { DirectoryPath = hostile }, withFiles: true),
            reports => reports.Print(new VerifyReport(
                [new VerifyResult(backup, TimeSpan.Zero, [new(hostile, null, [hostile], hostile)])], [hostile], true)),
            reports => reports.Print(restore, isDryRun: true),
            reports => reports.Print(restore, isDryRun: false),
            reports => reports.Print(new PruneReport([new(backup, true, hostile)], [hostile], [], false)),
            reports => reports.Print(new CheckReport([new(hostile, FindingSeverity.Warning, hostile, null)])),
            reports => reports.PrintError(hostile, ExitCode.Usage),
        })
        {
            string json = Print(hostile, print);

            Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(json).RootElement.ValueKind);
            Assert.DoesNotContain(json, one => char.IsControl(one) && one != '\n');
        }
    }

    private static Regex SnakeCase { get; } = new("^[a-z][a-z0-9]*(_[a-z0-9]+)*$");

    private static IEnumerable<string> Keys(JsonNode? node) => node switch
    {
        JsonObject fields => fields.SelectMany(field => Keys(field.Value).Prepend(field.Key)),
        JsonArray values => values.SelectMany(Keys),
        _ => [],
    };

    private static string Print(string name) =>
        Print(ReportSamples.All[name].Command, ReportSamples.All[name].Print);

    private static string Print(string? command, Action<JsonReports> print)
    {
        StringWriter output = new();
        print(new JsonReports(output, command, exitCode => exitCode));
        return output.ToString();
    }
}
