using System.ComponentModel;
using System.Runtime.InteropServices;

namespace KvmBackup.Shell;

/// <summary>What this process does to itself.</summary>
public static partial class CurrentProcess
{
    private const int StopSignal = 19;

    /// <summary>What to start to get this program again: itself, or the runtime that runs it.</summary>
    public static string ProgramPath => Environment.ProcessPath
        ?? throw new InvalidOperationException("This process has no executable.");

    /// <summary>What stands before the arguments then.</summary>
    public static IReadOnlyList<string> ProgramPrefix =>
        Path.GetFileNameWithoutExtension(ProgramPath) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];

    /// <summary>Stops all threads until somebody sends SIGCONT, as a debugger would.</summary>
    public static void Stop()
    {
        if (Kill(Environment.ProcessId, StopSignal) != 0)
        {
            throw new Win32Exception();
        }

        // The signal is ours, but any thread may take it: wait here until one has.
        Thread.Sleep(TimeSpan.FromMilliseconds(200));
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
