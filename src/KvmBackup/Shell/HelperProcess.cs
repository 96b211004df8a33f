namespace KvmBackup.Shell;

/// <summary>
/// A program that runs beside this one and reads a pipe. It receives a line when this process ends normally, and only
/// the end of the pipe when this process is killed.
/// </summary>
public sealed class HelperProcess : IAsyncDisposable
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);
    private readonly StartedProgram program;
    private readonly ProgramCall call;

    private HelperProcess(ProgramCall call)
    {
        this.call = call;
        program = StartedProgram.Start(call);
    }

    /// <exception cref="ShellException">The program cannot be started.</exception>
    public static HelperProcess Start(ProgramCall call) => new(call);

    /// <summary>Waits until the program has printed a line, which means that it is ready.</summary>
    /// <exception cref="ShellException">The program ended, or printed nothing within the limit.</exception>
    public async Task WaitUntilReadyAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            StreamReader output = new(program.Output);
            if (await output.ReadLineAsync(cancellationToken).AsTask().WaitAsync(limit, cancellationToken) is not null)
            {
                return;
            }
        }
        catch (TimeoutException)
        {
            // Reported below, as for a program that ended.
        }

        throw new ShellException($"'{call}' is not ready.", isProgramMissing: false);
    }

    /// <summary>Sends the line, so that the program exits without action.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await program.Input.WriteAsync("done\n"u8.ToArray());
            await program.Input.DisposeAsync();
        }
        catch (IOException)
        {
            // The program has already ended.
        }

        using CancellationTokenSource limit = new(EndLimit);
        try
        {
            await program.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // It was killed.
        }

        program.Dispose();
    }
}
