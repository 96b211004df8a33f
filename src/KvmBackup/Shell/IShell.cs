namespace KvmBackup.Shell;

/// <summary>Starts programs. The one seam that tests replace, with recorded output of the real program.</summary>
public interface IShell
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
