using System.ComponentModel;
using System.Diagnostics;
using Medallion.Shell;

namespace KvmBackup.Shell;

/// <summary>
/// Starts a program in a session of its own: a Ctrl-C at the terminal, and its end, reach this program alone, which then
/// ends the others in the right order.
/// </summary>
internal static class Launch
{
    private const string SessionProgram = "setsid";

    // EAGAIN, ENOMEM, ENFILE, EMFILE: the host has no process, memory or file to spare now, and may have a moment later.
    private static readonly int[] Passing = [11, 12, 23, 24];
    private static readonly string? SessionPath = Find(SessionProgram);

    /// <exception cref="ShellException">There is no such program.</exception>
    public static Command Start(ProgramCall call, Action<Medallion.Shell.Shell.Options> configure) =>
        Start(call, (path, arguments) => Command.Run(path, arguments, configure));

    /// <exception cref="ShellException">There is no such program.</exception>
    public static Process StartBare(ProgramCall call) => Start(call, StartBare);

    private static Process StartBare(string path, IReadOnlyList<string> arguments)
    {
        ProcessStartInfo start = new(path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C";
        return Process.Start(start) ?? throw new Win32Exception($"{path} did not start");
    }

    private static T Start<T>(ProgramCall call, Func<string, IReadOnlyList<string>, T> start)
    {
        string path = Find(call.Program)
            ?? throw new ShellException(
                $"{call.Program} is not on this host (PATH: {SearchPath}).{DebianPackages.Hint(call.Program)}",
                isProgramMissing: true);
        try
        {
            // setsid replaces itself by the program, so the process is the program's.
            return SessionPath is null ? start(path, call.Arguments) : start(SessionPath, [path, .. call.Arguments]);
        }
        catch (Win32Exception failure)
        {
            bool isMissing = !Passing.Contains(failure.NativeErrorCode);
            throw new ShellException($"{path} cannot be started: {failure.Message}", isMissing, failure);
        }
    }

    private static string SearchPath => Environment.GetEnvironmentVariable("PATH") ?? string.Empty;

    private static string? Find(string program) => Path.IsPathFullyQualified(program)
        ? File.Exists(program) ? program : null
        : SearchPath.Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
