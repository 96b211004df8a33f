namespace KvmBackup.Shell;

/// <summary>Starts programs. Tests replace it with recorded output of the real programs.</summary>
public interface IProcessRunner
{
    /// <summary>Runs a program to its end and returns its output and exit status.</summary>
    /// <exception cref="ShellException">The program is missing, or exceeded its time limit.</exception>
    Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken);

    /// <summary>
    /// Runs a program as a filter: writes the input to it and appends its standard output to a stream.
    /// </summary>
    /// <returns>The result, its <see cref="ProgramResult.StandardOutput"/> empty.</returns>
    /// <exception cref="ShellException">The program is missing, or exceeded its time limit.</exception>
    Task<ProgramResult> FilterAsync(
        ProgramCall call, ReadOnlyMemory<byte> input, Stream output, CancellationToken cancellationToken);

    /// <summary>
    /// Starts a program with pipes for its input and output. The time limit applies to each read and write.
    /// </summary>
    /// <exception cref="ShellException">The program is missing.</exception>
    IPipedProgram Open(ProgramCall call);
}

/// <summary>A program call as a value: name and argument list, never a shell string.</summary>
/// <param name="Program">The name, which is looked up in the PATH.</param>
/// <param name="Arguments">The arguments, passed unchanged.</param>
public sealed record ProgramCall(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>The time limit: after it the program is killed and the call fails.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The call as a shell command, quoted where necessary.</summary>
    public override string ToString() => string.Join(' ', Arguments.Prepend(Program).Select(ShellWord.Quote));
}

/// <summary>The output and exit status of a program.</summary>
/// <param name="Call">The call.</param>
/// <param name="ExitCode">The exit status; zero is success.</param>
/// <param name="StandardOutput">The standard output.</param>
/// <param name="StandardError">The standard error.</param>
/// <param name="Elapsed">The duration.</param>
public sealed record ProgramResult(
    ProgramCall Call, int ExitCode, string StandardOutput, string StandardError, TimeSpan Elapsed)
{
    public bool IsSuccess => ExitCode == 0;

    /// <summary>The text for a message: the standard error, or else the output, on one line.</summary>
    public string ErrorText
    {
        get
        {
            string text = string.IsNullOrWhiteSpace(StandardError) ? StandardOutput : StandardError;
            string line = string.Join(
                " / ", text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            return line.Length > 0 ? line : $"nothing, exit status {ExitCode}";
        }
    }
}

/// <summary>A program could not be started, or exceeded its time limit.</summary>
public sealed class ShellException(string message, bool isProgramMissing, Exception? innerException = null)
    : KvmBackupException(message, ExitCode.Failed, innerException)
{
    /// <summary>Whether the program is not installed on this host.</summary>
    public bool IsProgramMissing { get; } = isProgramMissing;
}

/// <summary>
/// A running program with pipes for its input and output. The streams block, so large transfers need their own thread.
/// A read or write that makes no progress within the time limit of the call kills the program and fails.
/// </summary>
public interface IPipedProgram : IAsyncDisposable
{
    /// <summary>The standard input; disposing it is the end of the input.</summary>
    Stream StandardInput { get; }

    /// <summary>The standard output, which must be read to its end before the program can end.</summary>
    Stream StandardOutput { get; }

    /// <summary>Waits for the end of the program; kills it when the token is cancelled.</summary>
    /// <returns>The result, its <see cref="ProgramResult.StandardOutput"/> empty.</returns>
    /// <exception cref="ShellException">The program exceeded the time limit of the call and was killed.</exception>
    Task<ProgramResult> WaitAsync(CancellationToken cancellationToken);
}
