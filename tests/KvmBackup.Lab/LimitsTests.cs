using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Limits on the resources of a backup.</summary>
public sealed class LimitsTests
{
    private const string Script = """
        #!/bin/bash
        echo "${0##*/} $(nice) $(ionice -p $$) $*" >>"${0%/*}/calls"
        exec REAL/${0##*/} "$@"
        """;

    [LabFact]
    public async Task Only_reading_and_packing_run_at_low_priority_and_the_read_rate_is_limited()
    {
        const int Rate = 512 << 10;
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("limited"));
        BackupSite site = new((guest.Name, "rotate: 2, limits: {bandwidth: 512 KiB/s, nice: 10, ionice: idle}"));
        string folder = LabEnvironment.NewDirectory("watched");
        foreach (string name in new[] { "virsh", "pigz" })
        {
            string file = Path.Combine(folder, name);
            string real = Environment.GetEnvironmentVariable("PATH")!.Split(':')
                .First(path => File.Exists(Path.Combine(path, name)));
            await File.WriteAllTextAsync(file, Script.Replace("REAL", real, StringComparison.Ordinal) + "\n");
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        await using RunningProgram running = RunningProgram.Start(
            Kvmbackup.ProgramPath, ["--config", site.ConfigurationPath, "--json", "backup", guest.Name],
            new Dictionary<string, string> { ["PATH"] = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}" });
        Outcome outcome = (await running.WaitAsync(TimeSpan.FromMinutes(3))).MustSucceed();

        using JsonDocument document = JsonDocument.Parse(outcome.Output);
        JsonElement job = document.RootElement.GetProperty("jobs")[0];
        double seconds = (double)new FileInfo(Path.Combine(guest.DirectoryPath!, "vda.qcow2")).Length / Rate / 2;
        Assert.True(job.GetProperty("elapsed_seconds").GetDouble() > seconds, $"{job} was quicker than {seconds} s");
        string[] calls = await File.ReadAllLinesAsync(Path.Combine(folder, "calls"));
        string[] critical = [.. calls.Where(call => call.StartsWith("virsh", StringComparison.Ordinal)
            && new[] { "fsfreeze-freeze", "fsfreeze-thaw", "snapshot-create-as", "blockcommit", "blockjob" }.Any(
            word => call.Contains(word, StringComparison.Ordinal)))];
        Assert.True(critical.Length >= 4, string.Join('\n', calls));
        Assert.All(critical, call => Assert.Matches("^virsh 0 (none|best-effort)", call));
        Assert.Contains(calls, call => call.StartsWith("pigz 10 idle", StringComparison.Ordinal));

        Assert.Contains("limits: at most 512 KiB/s, nice 10, ionice idle", (await site.RunAsync("check")).Output,
            StringComparison.Ordinal);
        Assert.Contains("limits: at most 512 KiB/s", (await site.RunAsync("backup", guest.Name, "--dry-run")).Output,
            StringComparison.Ordinal);
    }
}
