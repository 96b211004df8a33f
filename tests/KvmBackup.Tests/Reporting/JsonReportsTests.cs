using System.Text.Json;
using System.Text.Json.Nodes;
using KvmBackup.Reporting;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Reporting;

public sealed class JsonReportsTests
{
    private static readonly CompletedBackup Backup = new("/backup/web1/20261120T020000Z-full", ManifestSamples.Create(), true);

    [Fact]
    public void A_run_has_the_shape_that_programs_rely_on()
    {
        JobReport job = new(
            new DomainName("web1"), JobOutcome.NeedsManualAction, "a \"reason\"", null, TimeSpan.FromSeconds(1.5), ["w"],
            [new RetentionVerdict(Backup, false, "older than 4")], ["rm x"]);

        string json = Print(reports => reports.Print(new RunReport(AcceleratedTime.Start, TimeSpan.FromSeconds(2), RecoveryReport.Nothing, [job])));

        Assert.Equal(
            """
            {
              "started_at": "2026-11-20T02:00:00.0000000Z",
              "elapsed_seconds": 2,
              "exit_code": 5,
              "recovered": [],
              "jobs": [
                {
                  "domain": "web1",
                  "outcome": "needs_manual_action",
                  "reason": "a \"reason\"",
                  "elapsed_seconds": 1.5,
                  "backup": null,
                  "warnings": [
                    "w"
                  ],
                  "damages": [],
                  "removed": [
                    {
                      "domain": "web1",
                      "id": "20261120T020000Z",
                      "is_kept": false,
                      "reason": "older than 4"
                    }
                  ],
                  "merged": [],
                  "commands": [
                    "rm x"
                  ]
                }
              ]
            }

            """,
            json);
    }

    [Fact]
    public void A_backup_in_a_list_has_the_shape_that_programs_rely_on() => Assert.Equal(
        """{"exit_code":0,"directory":"/backup","backups":[{"domain":"web1","id":"20261120T020000Z","kind":"full","bases":[],"consistency":"crash", """.Trim()
        + """ "disks":["vda"],"content_bytes":69642,"archive_bytes":7,"is_protected":true, """.Trim()
        + """ "path":"/backup/web1/20261120T020000Z-full"}],"unusable":["web1/x: y"],"damages":[]} """.Trim(),
        Compact(Print(reports => reports.Print(new ListReport("/backup", [Backup], ["web1/x: y"])))));

    [Fact]
    public void A_comparison_has_the_shape_that_programs_rely_on()
    {
        FileComparison file = new(new DiskTarget("vda"), "vda.raw", ComparisonVerdict.OtherSize)
        {
            BackupBytes = 8192,
            SourceBytes = 4096,
            DifferentBytes = 4096,
            FirstDifferenceBytes = 4100,
            Differences = [new Extent(4096, 4096)],
            DifferenceCount = 1,
        };
        CompareReport report = new(
            Backup.Domain, Backup.Id, new DomainName("new"), Consistency.Crash, [file], RecoveryReport.Nothing, ["look"], [],
            TimeSpan.FromSeconds(2));

        Assert.Equal(
            """{"exit_code":4,"domain":"web1","id":"20261120T020000Z","source":"new","consistency":"crash","is_same":false, """.Trim()
            + """ "elapsed_seconds":2,"files":[{"target":"vda","file":"vda.raw","verdict":"other_size","note":null, """.Trim()
            + """ "backup_bytes":8192,"source_bytes":4096,"different_bytes":4096,"first_difference_bytes":4100, """.Trim()
            + """ "difference_count":1,"differences":[{"offset_bytes":4096,"length_bytes":4096}]}],"warnings":["look"], """.Trim()
            + """ "troubles":[],"recovered":[]} """.Trim(),
            Compact(Print(reports => reports.Print(report))));
    }

    [Fact]
    public void Every_report_is_JSON_whatever_it_holds()
    {
        string hostile = "\u001b[2J\n\"\ud800ü\u0085\u2028";
        foreach (Action<JsonReports> print in new Action<JsonReports>[]
        {
            reports => reports.Print(Backup with { DirectoryPath = hostile }, withFiles: true),
            reports => reports.Print(new VerifyReport([new VerifyResult(Backup, TimeSpan.Zero, [new(hostile, null, [hostile], hostile)])], [hostile], true)),
            reports => reports.Print(new RestoreReport(Backup.Domain, Backup.Id, Backup.Domain, [hostile], [], true, false, 1, TimeSpan.Zero, [], [hostile]), true),
            reports => reports.Print(new PruneReport([new RetentionVerdict(Backup, true, hostile)], [hostile], [], false)),
            reports => reports.Print(new CheckReport([new Finding(hostile, FindingSeverity.Warning, hostile, null)])),
            reports => reports.PrintError(hostile, ExitCode.Usage),
        })
        {
            string json = Print(print);

            _ = Assert.IsType<JsonObject>(JsonNode.Parse(json));
            Assert.DoesNotContain('\u001b', json);
        }
    }

    [Fact]
    public void An_error_bears_its_exit_code() =>
        Assert.Equal("""{"exit_code":2,"error":"no"}""", Compact(Print(reports => reports.PrintError("no", ExitCode.Usage))));

    private static string Print(Action<JsonReports> print)
    {
        StringWriter output = new();
        print(new JsonReports(output));
        return output.ToString();
    }

    private static string Compact(string json) => JsonNode.Parse(json)!.ToJsonString(new JsonSerializerOptions());
}
