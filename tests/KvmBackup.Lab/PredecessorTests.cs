using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>A configuration of kvmBackup runs unchanged, with every default of this program.</summary>
public sealed class PredecessorTests
{
    [LabFact]
    public async Task A_kvmBackup_configuration_runs_as_it_is()
    {
        await using LabGuest intranet = await LabGuest.StartAsync(new LabGuestSpecification("intranet"));
        await using LabGuest agent = await LabGuest.DefineAsync(new LabGuestSpecification("build-agent-7"));
        string folder = LabEnvironment.NewDirectory("predecessor");
        string configuration = Path.Combine(folder, "config.yml");
        await File.WriteAllTextAsync(configuration, $"""
            ---
            lab1:
              backupdir: {folder}/guests
              domains:
                intranet:
                  day_of_week: [Sun, Mon, Tue, Wed, Thu, Fri, Sat]
                  rotate: 3
                build-agent-7:
                  day_of_week:
                    - Mon
                    - {Today}
                  rotate: 1
            hypervisor-b:
              backupdir: "/srv/archive/other"
              domains:
                printer:
                  day_of_week: [Fri]
                  rotate: 2

            """);

        Outcome check = (await Kvmbackup.RunAsync("--config", configuration, "check")).MustSucceed();
        Outcome run = (await Kvmbackup.RunAsync("--config", configuration, "--json", "run")).MustSucceed();

        Assert.Contains("2 domain(s) for host lab1", check.Output, StringComparison.Ordinal);
        Assert.Equal(
            ["succeeded", "succeeded"],
            JsonDocument.Parse(run.Output).RootElement.GetProperty("jobs").EnumerateArray()
                .Select(job => job.GetProperty("outcome").GetString()));
        string target = Path.Combine(folder, "guests", "intranet");
        Assert.Single(Directory.GetFiles(target, "intranet.tar.gz", SearchOption.AllDirectories));
        Assert.Empty(Directory.GetFiles("/var/lib/kvmbackup/journal"));
    }

    private static string Today => TimeProvider.System.GetLocalNow().DayOfWeek.ToString()[..3];
}
