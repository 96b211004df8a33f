using Medallion.Shell;

namespace KvmBackup.Shell;

/// <summary>
/// A program that runs beside this one and watches a pipe: it sees the pipe close however this one ends, and a word in it
/// when this one ends well.
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

    /// <exception cref="ShellException">It cannot be started.</exception>
    public static HelperProcess Start(ProgramCall call) => new(Launch.Start(call, _ => { }), call);

    /// <summary>Waits until it has said a line, which tells that it stands by.</summary>
    /// <exception cref="ShellException">It ended, or said nothing in time.</exception>
    public async Task WaitUntilReadyAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            string? line = await command.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(limit, cancellationToken);
            if (line is not null)
            {
                return;
            }
        }
        catch (TimeoutException)
        {
            // Told below, as for one that ended.
        }

        throw new ShellException($"'{call}' does not stand by.", isProgramMissing: false);
    }

    /// <summary>Tells it that all is well, so that it ends without doing anything.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await command.StandardInput.WriteLineAsync("done".AsMemory());
            command.StandardInput.Dispose();
        }
        catch (IOException)
        {
            // It has ended already; then there is nobody to tell.
        }

        if (await Task.WhenAny(command.Task, Task.Delay(EndLimit)) != command.Task)
        {
            command.Kill();
        }

        ((IDisposable)command).Dispose();
    }
}
