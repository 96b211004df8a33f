using Serilog;

namespace KvmBackup.Runs;

/// <summary>
/// Waits for what a hanging target may never finish. A write that the kernel holds cannot be interrupted, so it is left
/// behind, and the run goes on without it.
/// </summary>
public static class Patience
{
    // A host with much memory has gigabytes to flush at the end; no guest waits for that.
    private const int UnseenStalls = 30;
    private static readonly TimeSpan LongestFinish = TimeSpan.FromDays(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Disposes of something on the target; when that hangs it is left to the kernel, and told.</summary>
    public static async ValueTask DisposeAsync(IAsyncDisposable resource, string what, ILogger log)
    {
        try
        {
            await Task.Run(() => resource.DisposeAsync().AsTask()).WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            log.Error("{What} hangs on the target; it is left as it is", what);
        }
    }

    /// <summary>Does what ends a backup, on a target whose progress nobody sees: a flush may take long on a slow one.</summary>
    /// <param name="work">Is cancelled when it is given up; it may never get to know.</param>
    /// <param name="stallLimit">How long the target may stand still while its progress is seen.</param>
    /// <param name="directoryPath">The target.</param>
    /// <param name="cancellationToken">Is for the work to obey: nobody walks away from one that still goes on.</param>
    /// <exception cref="RunsException">It does not end.</exception>
    public static async Task<TResult> FinishAsync<TResult>(
        Func<CancellationToken, Task<TResult>> work, TimeSpan stallLimit, string directoryPath, CancellationToken cancellationToken)
    {
        TimeSpan limit = stallLimit * UnseenStalls < LongestFinish ? stallLimit * UnseenStalls : LongestFinish;
        using CancellationTokenSource givenUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            return await Task.Run(() => work(givenUp.Token), CancellationToken.None).WaitAsync(limit, CancellationToken.None);
        }
        catch (TimeoutException failure)
        {
            await givenUp.CancelAsync();
            throw new RunsException(
                $"the target {directoryPath} did not take the end of the backup within {limit.TotalSeconds:0} s, so it was "
                + "given up; the guest is on its own disks. Is the share or its server hanging?",
                Model.ExitCode.Failed, failure);
        }
    }

    /// <summary>Asks something of the target.</summary>
    /// <exception cref="RunsException">It does not answer.</exception>
    public static async Task AskAsync(Action ask, string directoryPath)
    {
        try
        {
            await Task.Run(ask).WaitAsync(Limit);
        }
        catch (TimeoutException failure)
        {
            throw new RunsException(
                $"the target {directoryPath} does not answer within {Limit.TotalSeconds:0} s; is its share or server hanging? "
                + "Nothing was begun", Model.ExitCode.Failed, failure);
        }
    }
}
