using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>JSON output and log files.</summary>
public sealed class ReportTests
{
    [LabFact]
    public async Task Every_command_prints_only_JSON_on_standard_output()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("spoken"));
        BackupSite site = new((guest.Name, "rotate: 2"));

        AssertHas(await site.ReportAsync("run", "--dry-run"), "exit_code", "jobs", "started_at", "elapsed_seconds");
        AssertHas(await site.ReportAsync("run"), "exit_code", "jobs", "started_at", "elapsed_seconds");
        AssertHas(
            (await site.BackUpAsync(guest.Name)).GetProperty("backup"),
            "id", "kind", "consistency", "disks", "content_bytes", "archive_bytes");
        AssertHas(
            (await site.ReportAsync("list")).GetProperty("backups")[0], "domain", "id", "kind", "consistency", "path");
        JsonElement shown = await site.ReportAsync("show", guest.Name);
        AssertHas(shown.GetProperty("backup"), "domain", "id");
        AssertHas(
            shown.GetProperty("details"),
            "domain_uuid", "host", "archive_sha256", "disk_files", "skipped_disks", "warnings", "frozen_seconds");
        AssertHas(
            (await site.ReportAsync("verify", guest.Name)).GetProperty("results")[0],
            "domain", "id", "is_intact", "damages");
        AssertHas(await site.ReportAsync("verify", "--all"), "exit_code", "results", "unusable");
        AssertHas(
            await site.ReportAsync("restore", guest.Name, "--to", LabEnvironment.NewDirectory("json")),
            "domain", "id", "name", "written_files", "kept_files", "is_defined", "is_started", "data_bytes");
        AssertHas(await site.ReportAsync("prune"), "exit_code", "backups", "notes", "failures");
        JsonElement check = await site.ReportAsync("check");
        AssertHas(check, "exit_code", "findings");
        Assert.All(
            check.GetProperty("findings").EnumerateArray(),
            finding => Assert.Equal("ok", finding.GetProperty("severity").GetString()));
        AssertHas(await site.ReportAsync(2, "restore", "nobody"), "exit_code", "error");
        AssertHas(await site.ReportAsync(2, "backup", "nobody"), "exit_code", "error");
    }

    [LabFact]
    public async Task A_log_contains_the_steps_without_progress_lines_and_quiet_prints_nothing()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("logged"));
        BackupSite site = new((guest.Name, "rotate: 1"));

        Outcome plain = (await site.RunAsync("run")).MustSucceed();
        Outcome verify = (await site.RunAsync("verify", "--all")).MustSucceed();
        Outcome quiet = (await site.RunAsync("-q", "run")).MustSucceed();
        Outcome verbose = (await site.RunAsync("-v", "run")).MustSucceed();

        foreach (Outcome outcome in new[] { plain, verify, quiet, verbose })
        {
            Assert.DoesNotContain('\r', outcome.Output + outcome.Error);
            Assert.DoesNotContain('\e', outcome.Output + outcome.Error);
            Assert.DoesNotContain("% ", outcome.Error, StringComparison.Ordinal);
        }

        Assert.Contains("logged: frozen for", plain.Error, StringComparison.Ordinal);
        Assert.Contains("logged: published", plain.Error, StringComparison.Ordinal);
        Assert.Equal("", quiet.Output + quiet.Error);
        Assert.Contains("snapshot-create-as", verbose.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("snapshot-create-as", plain.Error, StringComparison.Ordinal);
    }

    private static void AssertHas(JsonElement json, params string[] names) =>
        Assert.All(names, name => Assert.True(json.TryGetProperty(name, out _), $"{name} is missing in {json}"));
}
