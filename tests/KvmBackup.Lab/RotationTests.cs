using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Old backups are removed only after a new one is complete.</summary>
public sealed class RotationTests
{
    [LabFact]
    public async Task Three_runs_with_a_retention_of_two_keep_the_newest_two()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("rotated"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        List<string> made = [];
        for (int run = 0; run < 3; run++)
        {
            JsonElement job = (await site.ReportAsync("run")).GetProperty("jobs")[0];
            made.Add(job.GetProperty("backup").GetProperty("id").GetString()!);
            Assert.Equal(run == 2 ? 1 : 0, job.GetProperty("removed").GetArrayLength());
        }

        Assert.Equal(made[1..], site.BackupIds(guest.Name));
        JsonElement prune = await site.ReportAsync("prune");
        Assert.All(
            prune.GetProperty("backups").EnumerateArray(),
            verdict => Assert.True(verdict.GetProperty("is_kept").GetBoolean()));
    }

    [LabFact]
    public async Task A_failed_run_keeps_both_backups_and_their_content()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("failing"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        _ = await site.BackUpAsync(guest.Name);
        _ = await site.BackUpAsync(guest.Name);
        string before = Describe(site, guest);
        string disk = Path.Combine(guest.DirectoryPath!, "vda.qcow2");
        File.Move(disk, disk + ".away");

        JsonElement report = await site.ReportAsync(1, "run");
        JsonElement job = report.GetProperty("jobs")[0];

        Assert.Equal("failed", job.GetProperty("outcome").GetString());
        Assert.StartsWith("NOT BACKED UP", job.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Contains(disk, job.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, Describe(site, guest));
    }

    [LabFact]
    public async Task A_failure_of_one_guest_does_not_prevent_backups_of_the_others()
    {
        await using LabGuest good = await LabGuest.DefineAsync(new LabGuestSpecification("good"));
        await using LabGuest bad = await LabGuest.DefineAsync(new LabGuestSpecification("bad"));
        File.Delete(Path.Combine(bad.DirectoryPath!, "vda.qcow2"));
        BackupSite site = new(("bad", "rotate: 2"), ("gone", "rotate: 2"), ("good", "rotate: 2"));

        JsonElement report = await site.ReportAsync(3, "run");

        Assert.Equal(
            ["bad failed", "gone failed", "good succeeded"],
            report.GetProperty("jobs").EnumerateArray()
                .Select(job => $"{job.GetProperty("domain")} {job.GetProperty("outcome")}"));
        Assert.Single(site.BackupDirectories("good"));
        Assert.Empty(site.BackupDirectories("bad"));
        Assert.Contains(
            "libvirt has no such domain", report.GetProperty("jobs")[1].GetProperty("reason").GetString(),
            StringComparison.Ordinal);
    }

    [LabFact]
    public async Task A_run_makes_only_due_backups_and_reports_why_others_are_not_due()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("weekly"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        string never = (await File.ReadAllTextAsync(site.ConfigurationPath))
            .Replace("[Mon, Tue, Wed, Thu, Fri, Sat, Sun]", "[]", StringComparison.Ordinal);
        await File.WriteAllTextAsync(site.ConfigurationPath, never);

        JsonElement skipped = (await site.ReportAsync("run")).GetProperty("jobs")[0];
        Assert.Equal("skipped", skipped.GetProperty("outcome").GetString());
        Assert.Contains("it has no day", skipped.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Empty(site.BackupDirectories(guest.Name));

        JsonElement forced = (await site.ReportAsync("run", "--force")).GetProperty("jobs")[0];
        Assert.Equal("succeeded", forced.GetProperty("outcome").GetString());
        Assert.Single(site.BackupDirectories(guest.Name));
    }

    [LabFact]
    public async Task A_partial_backup_of_a_killed_run_is_not_listed_and_removed_by_the_next_run()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("leftover"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        _ = await site.BackUpAsync(guest.Name);
        string partial = Path.Combine(site.BackupPath, guest.Name, "20200101T000000Z-full.partial");
        Directory.CreateDirectory(partial);
        await File.WriteAllTextAsync(Path.Combine(partial, "leftover.tar.gz"), "half");

        JsonElement list = await site.ReportAsync("list");
        Assert.Equal(1, list.GetProperty("backups").GetArrayLength());
        string? unusable = list.GetProperty("unusable")[0].GetProperty("message").GetString();
        Assert.Contains("20200101T000000Z", unusable, StringComparison.Ordinal);
        (await site.RunAsync("show", $"{guest.Name}@20200101")).MustEndWith(2);

        JsonElement job = await site.BackUpAsync(guest.Name);
        Assert.False(Directory.Exists(partial));
        Assert.Contains("removed 1 unfinished", job.GetProperty("warnings")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal(2, site.BackupDirectories(guest.Name).Count);
    }

    private static string Describe(BackupSite site, LabGuest guest) =>
        string.Join('\n', site.BackupDirectories(guest.Name).Select(path => path + '\n' + Folder.Describe(path)));
}
