namespace KvmBackup.Shell;

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
