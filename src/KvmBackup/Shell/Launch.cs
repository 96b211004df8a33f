using System.ComponentModel;
using System.Diagnostics;
using Medallion.Shell;

namespace KvmBackup.Shell;

/// <summary>
/// Starts a program in its own session: a Ctrl-C or hang-up of the terminal reaches only this program, which then ends
/// the others in the correct order.
/// </summary>
internal static class Launch
{
    private const string SessionProgram = "setsid";

    // EAGAIN, ENOMEM, ENFILE, EMFILE: a temporary lack of processes, memory or files.
    private static readonly int[] TemporaryErrors = [11, 12, 23, 24];
    private static readonly string? SessionPath = Find(SessionProgram);

    /// <exception cref="ShellException">The program is missing.</exception>
    public static Command Start(ProgramCall call, Action<Medallion.Shell.Shell.Options> configure) =>
        Start(call, (path, arguments) => Command.Run(path, arguments, configure));

    /// <exception cref="ShellException">The program is missing.</exception>
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
                $"{call.Program} is not installed on this host (PATH: "
                    + $"{SearchPath}).{DebianPackages.Hint(call.Program)}",
                isProgramMissing: true);
        try
        {
            // setsid executes the program in the same process.
            return SessionPath is null ? start(path, call.Arguments) : start(SessionPath, [path, .. call.Arguments]);
        }
        catch (Win32Exception failure)
        {
            bool isMissing = !TemporaryErrors.Contains(failure.NativeErrorCode);
            throw new ShellException($"{path} cannot be started: {failure.Message}", isMissing, failure);
        }
    }

    private static string SearchPath => Environment.GetEnvironmentVariable("PATH") ?? string.Empty;

    private static string? Find(string program) => Path.IsPathFullyQualified(program)
        ? File.Exists(program) ? program : null
        : SearchPath.Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
