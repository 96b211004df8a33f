using System.ComponentModel;
using System.Runtime.InteropServices;

namespace KvmBackup.Shell;

/// <summary>The path of this program, and signals to this process.</summary>
public static partial class CurrentProcess
{
    private const int StopSignal = 19;

    /// <summary>The executable that starts this program: the program itself, or the .NET host.</summary>
    public static string ProgramPath => Environment.ProcessPath
        ?? throw new InvalidOperationException("This process has no executable.");

    /// <summary>The arguments before those of this program; empty unless the .NET host runs it.</summary>
    public static IReadOnlyList<string> ProgramPrefix =>
        Path.GetFileNameWithoutExtension(ProgramPath) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];

    /// <summary>Stops all threads until SIGCONT, like a debugger.</summary>
    public static void Stop()
    {
        if (Kill(Environment.ProcessId, StopSignal) != 0)
        {
            throw new Win32Exception();
        }

        // Any thread of the process may receive the signal: wait until one has.
        Thread.Sleep(TimeSpan.FromMilliseconds(200));
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
