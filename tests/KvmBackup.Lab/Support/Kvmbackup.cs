namespace KvmBackup.Lab.Support;

/// <summary>The program under test, as an operator starts it: a process with arguments, output and exit code.</summary>
public static class Kvmbackup
{
    /// <summary>
    /// The published program, compiled ahead of time as on a hypervisor, if <c>tests/run.sh</c> provides it; otherwise
    /// the one that the build puts beside the test assembly.
    /// </summary>
    public static string ProgramPath { get; } =
        Environment.GetEnvironmentVariable("KVMBACKUP_LAB_PROGRAM") is { Length: > 0 } published
            ? published : Path.Combine(AppContext.BaseDirectory, "kvmbackup");

    /// <summary>Runs it to its end, for at most three minutes.</summary>
    public static async Task<Outcome> RunAsync(params IEnumerable<string> arguments)
    {
        await using RunningProgram running = Start(arguments);
        return await running.WaitAsync(TimeSpan.FromMinutes(3));
    }

    /// <summary>Starts it, to be signalled or observed while it runs.</summary>
    public static RunningProgram Start(params IEnumerable<string> arguments) =>
        RunningProgram.Start(ProgramPath, arguments);
}
