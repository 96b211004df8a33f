using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Guests are selected by patterns, groups and titles, and those in no rule are reported.</summary>
public sealed class SelectionTests
{
    [LabFact]
    public async Task Guests_are_selected_by_pattern_group_and_title_and_one_in_no_rule_is_backed_up_by_hand()
    {
        await using LabGuest web = await LabGuest.DefineAsync(new LabGuestSpecification("select-web"));
        await using LabGuest gold = await LabGuest.DefineAsync(new LabGuestSpecification("select-gold"));
        await using LabGuest titled = await LabGuest.DefineAsync(new LabGuestSpecification("select-titled"));
        BackupSite site = new(("*", $"rotate: 2, exclude: {gold.Name}"));

        Assert.Equal([titled.Name, web.Name], (await RunAsync(site)).Where(IsOurs).Order());
        Assert.DoesNotContain(gold.Name, await CheckAsync(site), StringComparison.Ordinal);

        await Virsh.RunAsync(
            "metadata", gold.Name, "https://kvmbackup.org/xmlns/domain/1.0", "--key", "kvmbackup", "--config",
            "--set", "<backup group='gold'/>");
        await Virsh.RunAsync("desc", titled.Name, "--config", "--title", "Production database");
        site.Configure(
            ("domains", [("no-such-*", "rotate: 2")]), ("domains_by_group", [("gold", "rotate: 3")]),
            ("domains_by_title", [("Production *", "rotate: 2")]));
        Assert.Equal([gold.Name, titled.Name], await RunAsync(site));
        string findings = await CheckAsync(site);
        Assert.Contains($"in no rule: {web.Name}", findings, StringComparison.Ordinal);
        Assert.Contains("no-such-*", findings, StringComparison.Ordinal);

        JsonElement job = await site.BackUpAsync(web.Name);
        Assert.Contains(
            "no rule of the configuration selects it", Assert.Single(job.GetProperty("warnings").EnumerateArray())
            .GetString(), StringComparison.Ordinal);
        Assert.Equal(2, site.BackupDirectories(web.Name).Count);
        (await site.RunAsync("compare", web.Name)).MustSucceed();
        Assert.Contains(
            $"nor in libvirt; did you mean '{web.Name}'?", (await site.RunAsync("backup", "select-wbe")).MustEndWith(2)
            .Error, StringComparison.Ordinal);

        _ = await site.BackUpAsync(gold.Name);
        await gold.DisposeAsync();
        site.Configure(("domains_by_group", [("gold", "rotate: 1")]));
        string pruned = (await site.RunAsync("prune")).MustSucceed().Output;
        Assert.DoesNotContain($"{gold.Name}: not in", pruned, StringComparison.Ordinal);
        Assert.Contains($"{web.Name}: not in the configuration", pruned, StringComparison.Ordinal);
        Assert.Single(site.BackupDirectories(gold.Name));
    }

    private static bool IsOurs(string? name) => name!.StartsWith("select-", StringComparison.Ordinal);

    private static async Task<IEnumerable<string?>> RunAsync(BackupSite site) =>
        (await site.ReportAsync("run")).GetProperty("jobs").EnumerateArray()
            .Select(job => job.GetProperty("domain").GetString());

    private static async Task<string> CheckAsync(BackupSite site) =>
        (await site.ReportAsync("check")).GetProperty("findings").ToString();
}
