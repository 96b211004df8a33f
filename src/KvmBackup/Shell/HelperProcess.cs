using Medallion.Shell;

namespace KvmBackup.Shell;

/// <summary>
/// A program that runs beside this one and reads a pipe. It receives a line when this process ends normally, and only
/// the end of the pipe when this process is killed.
/// </summary>
public sealed class HelperProcess : IAsyncDisposable
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);
    private readonly Command command;
    private readonly ProgramCall call;

    private HelperProcess(Command command, ProgramCall call)
    {
        this.command = command;
        this.call = call;
    }

    /// <exception cref="ShellException">The program cannot be started.</exception>
    public static HelperProcess Start(ProgramCall call) => new(Launch.Start(call, _ => { }), call);

    /// <summary>Waits until the program has printed a line, which means that it is ready.</summary>
    /// <exception cref="ShellException">The program ended, or printed nothing within the limit.</exception>
    public async Task WaitUntilReadyAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            string? line =
                await command.StandardOutput.ReadLineAsync(
                    cancellationToken).AsTask().WaitAsync(limit, cancellationToken);
            if (line is not null)
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
            await command.StandardInput.WriteLineAsync("done".AsMemory());
            command.StandardInput.Dispose();
        }
        catch (IOException)
        {
            // The program has already ended.
        }

        if (await Task.WhenAny(command.Task, Task.Delay(EndLimit)) != command.Task)
        {
            command.Kill();
        }

        ((IDisposable)command).Dispose();
    }
}
