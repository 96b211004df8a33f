using KvmBackup.Shell;

namespace KvmBackup.Guarding;

/// <summary>While it lasts a shutdown of the host waits, and the work is told to come to its end.</summary>
public sealed class ShutdownDelay : IAsyncDisposable
{
    private readonly Companion? inhibitor;
    private readonly CancellationTokenSource end;
    private readonly CancellationTokenSource over = new();
    private readonly Task watching;

    internal ShutdownDelay(
        Companion? inhibitor, Func<CancellationToken, Task<bool>> waitUntilBegunAsync, CancellationToken cancellationToken)
    {
        this.inhibitor = inhibitor;
        end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        watching = WatchAsync(waitUntilBegunAsync);
    }

    /// <summary>Is cancelled when the host begins to shut down, or the caller's token is.</summary>
    public CancellationToken Token => end.Token;

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        await watching;
        over.Dispose();
        end.Dispose();
        await (inhibitor?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    private async Task WatchAsync(Func<CancellationToken, Task<bool>> waitUntilBegunAsync)
    {
        try
        {
            if (await waitUntilBegunAsync(over.Token))
            {
                await end.CancelAsync();
            }
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The work is done.
        }
    }
}
