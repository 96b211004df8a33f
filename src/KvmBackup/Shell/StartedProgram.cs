using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace KvmBackup.Shell;

/// <summary>
/// A started program and its three pipes: the only place that starts and kills programs. It runs in the C locale and in
/// its own session, so a Ctrl-C or hang-up of the terminal reaches only this process, which then ends the others in the
/// correct order.
/// </summary>
internal sealed class StartedProgram : IDisposable
{
    private const string SessionProgram = "setsid";
    private const int MaximumErrorBytes = 1 << 16;

    // EAGAIN, ENOMEM, ENFILE, EMFILE: a temporary lack of processes, memory or files.
    private static readonly int[] TemporaryErrors = [11, 12, 23, 24];
    private static readonly string? SessionPath = Find(SessionProgram);
    private readonly Process process;

    private StartedProgram(Process process)
    {
        this.process = process;
        Error = CollectErrorAsync(process.StandardError.BaseStream);
    }

    public Stream Input => process.StandardInput.BaseStream;

    public Stream Output => process.StandardOutput.BaseStream;

    /// <summary>The first 64 KiB of the standard error, complete at its end.</summary>
    public Task<string> Error { get; }

    /// <exception cref="ShellException">The program is missing, or cannot be started.</exception>
    public static StartedProgram Start(ProgramCall call)
    {
        string path = Find(call.Program)
            ?? throw new ShellException(
                $"{call.Program} is not installed on this host (PATH: "
                    + $"{SearchPath}).{DebianPackages.Hint(call.Program)}",
                isProgramMissing: true);
        // setsid executes the program in the same process.
        ProcessStartInfo start = SessionPath is null
            ? new ProcessStartInfo(path, call.Arguments) : new ProcessStartInfo(SessionPath, [path, .. call.Arguments]);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.Environment["LC_ALL"] = "C";
        try
        {
            return new StartedProgram(Process.Start(start)!);
        }
        catch (Win32Exception failure)
        {
            bool isMissing = !TemporaryErrors.Contains(failure.NativeErrorCode);
            throw new ShellException($"{path} cannot be started: {failure.Message}", isMissing, failure);
        }
    }

    /// <summary>Waits until the program has ended; kills it when the token is cancelled.</summary>
    /// <returns>The exit status.</returns>
    /// <exception cref="OperationCanceledException">The program was killed.</exception>
    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            Kill();
            throw;
        }
    }

    public void Kill()
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
    }

    /// <summary>Kills the program if it runs.</summary>
    public void Dispose()
    {
        Kill();
        process.Dispose();
    }

    private static string SearchPath => Environment.GetEnvironmentVariable("PATH") ?? string.Empty;

    private static string? Find(string program) => Path.IsPathFullyQualified(program)
        ? File.Exists(program) ? program : null
        : SearchPath.Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static async Task<string> CollectErrorAsync(Stream pipe)
    {
        byte[] kept = new byte[MaximumErrorBytes];
        byte[] surplus = new byte[4096];
        int length = 0;
        int count;
        try
        {
            do
            {
                Memory<byte> free = length < kept.Length ? kept.AsMemory(length) : surplus;
                count = await pipe.ReadAsync(free);
                length = Math.Min(kept.Length, length + count);
            }
            while (count > 0);
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            // The program was given up, and its pipes are closed.
        }

        return Encoding.UTF8.GetString(kept, 0, length);
    }
}
