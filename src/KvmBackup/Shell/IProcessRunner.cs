namespace KvmBackup.Shell;

/// <summary>Starts programs. The one seam that tests replace, with recorded output of the real program.</summary>
public interface IProcessRunner
{
    /// <summary>Runs a program to its end and returns what it said, whatever its exit status.</summary>
    /// <exception cref="ShellException">It is missing, or ran longer than its limit.</exception>
    Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken);

    /// <summary>Runs a program as a filter: feeds it the input, appends its standard output to a stream.</summary>
    /// <returns>The result, its <see cref="ProgramResult.StandardOutput"/> empty.</returns>
    /// <exception cref="ShellException">It is missing, or ran longer than its limit.</exception>
    Task<ProgramResult> FilterAsync(
        ProgramCall call, ReadOnlyMemory<byte> input, Stream output, CancellationToken cancellationToken);

    /// <summary>Starts a program that data flows through while it runs. Its limit is not for the whole, but for each
    /// read and write.</summary>
    /// <exception cref="ShellException">It is missing.</exception>
    IPipedProgram Open(ProgramCall call);
}

/// <summary>A program to start, as a value: name and argument list, never a shell string.</summary>
/// <param name="Program">Looked up on the PATH.</param>
/// <param name="Arguments">One element for each argument, passed as they are.</param>
public sealed record ProgramCall(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>After this the program is killed and the call fails; every call has a limit.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The call as an operator would type it, quoted where the shell needs it.</summary>
    public override string ToString() => string.Join(' ', Arguments.Prepend(Program).Select(ShellWord.Quote));
}

/// <summary>What a program said and how it ended.</summary>
/// <param name="Call">What was started.</param>
/// <param name="ExitCode">Its exit status; zero is success.</param>
/// <param name="StandardOutput">All it printed.</param>
/// <param name="StandardError">All its complaints.</param>
/// <param name="Elapsed">From start to end.</param>
public sealed record ProgramResult(
    ProgramCall Call, int ExitCode, string StandardOutput, string StandardError, TimeSpan Elapsed)
{
    public bool IsSuccess => ExitCode == 0;

    /// <summary>What it said for a message to a person: the complaint, or else the output, on one line.</summary>
    public string Complaint
    {
        get
        {
            string said = string.IsNullOrWhiteSpace(StandardError) ? StandardOutput : StandardError;
            string line = string.Join(
                " / ", said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            return line.Length > 0 ? line : $"nothing, exit status {ExitCode}";
        }
    }
}

/// <summary>A program that cannot be started, or that did not end in its time.</summary>
public sealed class ShellException(string message, bool isProgramMissing, Exception? innerException = null)
    : KvmBackupException(message, ExitCode.Failed, innerException)
{
    /// <summary>The program is not on this host.</summary>
    public bool IsProgramMissing { get; } = isProgramMissing;
}

/// <summary>
/// A program that data flows through while it runs. Its streams block, so that they want a thread of their own where
/// much flows; a read or write that stands still for longer than the limit of the call kills the program and fails.
/// </summary>
public interface IPipedProgram : IAsyncDisposable
{
    /// <summary>Its standard input; disposing it is the end of the input.</summary>
    Stream StandardInput { get; }

    /// <summary>Its standard output, which must be read to its end before the program can end.</summary>
    Stream StandardOutput { get; }

    /// <summary>Waits for its end, killed when the token is cancelled.</summary>
    /// <returns>The result, its <see cref="ProgramResult.StandardOutput"/> empty.</returns>
    /// <exception cref="ShellException">It did not end within the limit of the call, and was killed.</exception>
    Task<ProgramResult> WaitAsync(CancellationToken cancellationToken);
}
