namespace KvmBackup.Guarding;

/// <summary>While it lasts a shutdown of the host waits, and the work is told to come to its end.</summary>
public sealed class ShutdownDelay : IAsyncDisposable
{
    private readonly CancellationTokenSource end;
    private readonly CancellationTokenSource over = new();
    private readonly Task watching;

    /// <param name="watch">Runs on a thread of its own until the token given to it is cancelled, and calls the action when a
    /// shutdown begins; null where nobody can tell.</param>
    /// <param name="cancellationToken">Becomes part of <see cref="Token"/>.</param>
    internal ShutdownDelay(Action<Action, CancellationToken>? watch, CancellationToken cancellationToken)
    {
        end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        watching = watch is null ? Task.CompletedTask : Task.Factory.StartNew(
            () => watch(end.Cancel, over.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Is cancelled when the host begins to shut down, or the caller's token is.</summary>
    public CancellationToken Token => end.Token;

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        await watching;
        over.Dispose();
        end.Dispose();
    }
}
