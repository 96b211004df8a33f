namespace KvmBackup.Guarding;

/// <summary>A scope that delays a shutdown of the host, and cancels its token when one begins.</summary>
public sealed class ShutdownDelay : IAsyncDisposable
{
    private readonly CancellationTokenSource end;
    private readonly CancellationTokenSource ended = new();
    private readonly Task watching;

    /// <param name="watch">Runs on its own thread until its token is cancelled, and calls the action when a shutdown
    /// begins; null where a shutdown cannot be detected.</param>
    /// <param name="cancellationToken">Is linked to <see cref="Token"/>.</param>
    internal ShutdownDelay(Action<Action, CancellationToken>? watch, CancellationToken cancellationToken)
    {
        end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        watching = watch is null ? Task.CompletedTask : Task.Factory.StartNew(
            () => watch(end.Cancel, ended.Token), CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }

    /// <summary>Is cancelled when the host begins to shut down, or the caller's token is.</summary>
    public CancellationToken Token => end.Token;

    public async ValueTask DisposeAsync()
    {
        await ended.CancelAsync();
        await watching;
        ended.Dispose();
        end.Dispose();
    }
}
