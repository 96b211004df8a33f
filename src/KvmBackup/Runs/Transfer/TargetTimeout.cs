using Serilog;

namespace KvmBackup.Runs.Transfer;

/// <summary>
/// Waits for what a hanging target may never finish. A write that the kernel holds cannot be interrupted, so it is left
/// behind, and the run goes on without it.
/// </summary>
public static class TargetTimeout
{
    // A host with much memory has gigabytes to flush at the end; no guest waits for that.
    private const int UnseenStalls = 30;
    private static readonly TimeSpan LongestFinish = TimeSpan.FromDays(1);
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(30);

    /// <summary>Disposes of something on the target; when that hangs it is left to the kernel, and told.</summary>
    public static Task DisposeAsync(IAsyncDisposable resource, string what, TimeSpan stallLimit, ILogger log) =>
        LeaveAsync(() => resource.DisposeAsync().AsTask(), what, stallLimit, log);

    /// <inheritdoc cref="DisposeAsync(IAsyncDisposable, string, TimeSpan, ILogger)"/>
    public static Task DisposeAsync(IDisposable resource, string what, TimeSpan stallLimit, ILogger log) =>
        LeaveAsync(() => Task.Run(resource.Dispose), what, stallLimit, log);

    /// <summary>Does something on the target whose progress nobody sees: a flush or a deletion may take long on a slow one.</summary>
    /// <param name="what">What it is, as in "it did not finish ...".</param>
    /// <param name="work">Is cancelled when it is given up; it may never get to know.</param>
    /// <param name="stallLimit">How long the target may stand still while its progress is seen.</param>
    /// <param name="directoryPath">The target.</param>
    /// <param name="cancellationToken">Is for the work to obey.</param>
    /// <exception cref="RunsException">It does not end.</exception>
    public static async Task<TResult> FinishAsync<TResult>(
        string what, Func<CancellationToken, Task<TResult>> work, TimeSpan stallLimit, string directoryPath,
        CancellationToken cancellationToken)
    {
        TimeSpan limit = stallLimit * UnseenStalls < LongestFinish ? stallLimit * UnseenStalls : LongestFinish;
        using CancellationTokenSource givenUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<TResult> working = Task.Run(() => work(givenUp.Token), CancellationToken.None);
        try
        {
            return await WaitAsync(working, limit, AnswerLimit(stallLimit), cancellationToken);
        }
        catch (TimeoutException failure)
        {
            await givenUp.CancelAsync();
            throw new RunsException(
                $"the target {directoryPath} did not finish {what} within {limit.TotalSeconds:0} s, so it was given up; the "
                + "guest is on its own disks. Is the share or its server hanging?",
                Model.Identifiers.ExitCode.Failed, failure);
        }
    }

    /// <summary>Asks something of the target.</summary>
    /// <exception cref="RunsException">It does not answer.</exception>
    public static async Task AskAsync(Action ask, TimeSpan stallLimit, string directoryPath)
    {
        TimeSpan limit = AnswerLimit(stallLimit);
        try
        {
            await Task.Run(ask).WaitAsync(limit);
        }
        catch (TimeoutException failure)
        {
            throw new RunsException(
                $"the target {directoryPath} does not answer within {limit.TotalSeconds:0} s; is its share or server hanging? "
                + "Nothing was begun", Model.Identifiers.ExitCode.Failed, failure);
        }
    }

    private static async Task LeaveAsync(Func<Task> dispose, string what, TimeSpan stallLimit, ILogger log)
    {
        try
        {
            await Task.Run(dispose).WaitAsync(AnswerLimit(stallLimit));
        }
        catch (TimeoutException)
        {
            log.Error("{What} hangs on the target; it is left as it is", what);
        }
    }

    private static async Task<TResult> WaitAsync<TResult>(
        Task<TResult> working, TimeSpan limit, TimeSpan answerLimit, CancellationToken cancellationToken)
    {
        try
        {
            return await working.WaitAsync(limit, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // It was told, too, and ends by itself unless it hangs; nobody walks away from one that still goes on.
            return await working.WaitAsync(answerLimit, CancellationToken.None);
        }
    }

    private static TimeSpan AnswerLimit(TimeSpan stallLimit) => stallLimit < LongestAnswer ? stallLimit : LongestAnswer;
}
