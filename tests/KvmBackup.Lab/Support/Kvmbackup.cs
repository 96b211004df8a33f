namespace KvmBackup.Lab.Support;

/// <summary>The program under test, as an operator starts it: a process with arguments, output and exit code.</summary>
public static class Kvmbackup
{
    /// <summary>Beside the test assembly, where the build puts the program that the tests refer to.</summary>
    public static string ProgramPath => Path.Combine(AppContext.BaseDirectory, "kvmbackup");

    /// <summary>Runs it to its end, for at most three minutes.</summary>
    public static async Task<Outcome> RunAsync(params IEnumerable<string> arguments)
    {
        await using RunningProgram running = Start(arguments);
        return await running.WaitAsync(TimeSpan.FromMinutes(3));
    }

    /// <summary>Starts it, to be signalled or watched while it works.</summary>
    public static RunningProgram Start(params IEnumerable<string> arguments) =>
        RunningProgram.Start(ProgramPath, arguments);
}
