using System.Diagnostics;

namespace KvmBackup.Lab.Support;

/// <summary>The program under test, stopped by its own step gate until it is sent <c>CONT</c>.</summary>
public static class HeldProgram
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Starts it and returns when it is held after a step.</summary>
    public static Task<RunningProgram> StartAsync(BackupSite site, string step, params IEnumerable<string> arguments) =>
        StartAsync(site, step, new Dictionary<string, string>(), arguments);

    /// <inheritdoc cref="StartAsync(BackupSite, string, IEnumerable{string})"/>
    public static async Task<RunningProgram> StartAsync(
        BackupSite site, string step, IReadOnlyDictionary<string, string> environment, params IEnumerable<string> arguments)
    {
        RunningProgram running = RunningProgram.Start(
            Kvmbackup.ProgramPath, ["--config", site.ConfigurationPath, .. arguments],
            new Dictionary<string, string>(environment) { ["KVMBACKUP_HOLD_AFTER"] = step });
        Stopwatch clock = Stopwatch.StartNew();
        while (StateOf(running.ProcessId) != 'T')
        {
            Assert.True(clock.Elapsed < Limit, $"{step} was not reached:\n{running.ErrorSoFar}");
            if (StateOf(running.ProcessId) is null or 'Z')
            {
                Assert.Fail($"{step} is no step of a run:\n{running.ErrorSoFar}");
            }

            await Task.Delay(20);
        }

        return running;
    }

    private static char? StateOf(int processId)
    {
        try
        {
            string status = File.ReadAllText($"/proc/{processId}/stat");
            return status[status.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
