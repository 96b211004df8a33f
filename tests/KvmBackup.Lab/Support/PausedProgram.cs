namespace KvmBackup.Lab.Support;

/// <summary>The program under test, stopped by its fault injection until it receives <c>CONT</c>.</summary>
public static class PausedProgram
{
    /// <summary>Starts it and returns when it is paused after a step.</summary>
    public static Task<RunningProgram> StartAsync(BackupSite site, string step, params IEnumerable<string> arguments) =>
        StartAsync(site, step, new Dictionary<string, string>(), arguments);

    /// <inheritdoc cref="StartAsync(BackupSite, string, IEnumerable{string})"/>
    public static async Task<RunningProgram> StartAsync(
        BackupSite site, string step, IReadOnlyDictionary<string, string> environment,
        params IEnumerable<string> arguments)
    {
        RunningProgram running = RunningProgram.Start(
            Kvmbackup.ProgramPath, ["--config", site.ConfigurationPath, .. arguments],
            new Dictionary<string, string>(environment) { ["KVMBACKUP_HOLD_AFTER"] = step });
        await running.WaitUntilStoppedAsync($"{step} was not reached");
        return running;
    }
}
