using Serilog;

namespace KvmBackup.Runs.Transfer;

/// <summary>
/// Time limits for operations on the target, which may hang. A write that blocks in the kernel cannot be interrupted,
/// so it is abandoned, and the run continues without it.
/// </summary>
public static class TargetTimeout
{
    // A host with much memory may have to flush gigabytes at the end, when no guest is captured any more.
    private const int StallsWithoutProgress = 30;
    private static readonly TimeSpan LongestFinish = TimeSpan.FromDays(1);
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Disposes a resource on the target; when that hangs, the resource is abandoned and an error is logged.
    /// </summary>
    public static Task DisposeAsync(IAsyncDisposable resource, string what, TimeSpan stallLimit, ILogger log) =>
        DisposeOrAbandonAsync(() => resource.DisposeAsync().AsTask(), what, stallLimit, log);

    /// <inheritdoc cref="DisposeAsync(IAsyncDisposable, string, TimeSpan, ILogger)"/>
    public static Task DisposeAsync(IDisposable resource, string what, TimeSpan stallLimit, ILogger log) =>
        DisposeOrAbandonAsync(() => Task.Run(resource.Dispose), what, stallLimit, log);

    /// <summary>Runs an operation on the target without visible progress, such as a flush or a deletion.</summary>
    /// <param name="what">The operation, as in "it did not finish ...".</param>
    /// <param name="work">The operation. Its token is cancelled at the time limit; a hanging operation may ignore
    /// that.</param>
    /// <param name="stallLimit">The stall limit for operations with visible progress.</param>
    /// <param name="directoryPath">The path of the target.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="RunsException">The operation did not finish.</exception>
    public static async Task<TResult> FinishAsync<TResult>(
        string what, Func<CancellationToken, Task<TResult>> work, TimeSpan stallLimit, string directoryPath,
        CancellationToken cancellationToken)
    {
        TimeSpan limit = stallLimit * StallsWithoutProgress < LongestFinish ? stallLimit * StallsWithoutProgress
            : LongestFinish;
        using CancellationTokenSource abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<TResult> working = Task.Run(() => work(abandoned.Token), CancellationToken.None);
        try
        {
            return await WaitAsync(working, limit, AnswerLimit(stallLimit), cancellationToken);
        }
        catch (TimeoutException failure)
        {
            await abandoned.CancelAsync();
            throw new RunsException(
                $"the target {directoryPath} did not finish {what} within {limit.TotalSeconds:0} s, so it was "
                    + "aborted; the guest is on its own disks. Check whether the share or its server hangs",
                Model.Identifiers.ExitCode.Failed, failure);
        }
    }

    /// <summary>Runs a short operation on the target.</summary>
    /// <exception cref="RunsException">The target did not answer.</exception>
    public static async Task RequestAsync(Action request, TimeSpan stallLimit, string directoryPath)
    {
        TimeSpan limit = AnswerLimit(stallLimit);
        try
        {
            await Task.Run(request).WaitAsync(limit);
        }
        catch (TimeoutException failure)
        {
            throw new RunsException(
                $"the target {directoryPath} does not answer within {limit.TotalSeconds:0} s; check whether the share "
                    + "or its server hangs. Nothing was started", Model.Identifiers.ExitCode.Failed, failure);
        }
    }

    private static async Task DisposeOrAbandonAsync(Func<Task> dispose, string what, TimeSpan stallLimit, ILogger log)
    {
        try
        {
            await Task.Run(dispose).WaitAsync(AnswerLimit(stallLimit));
        }
        catch (TimeoutException)
        {
            log.Error("{What} hangs on the target and was abandoned", what);
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
            // The operation was cancelled, too, and ends by itself unless it hangs, so wait for it.
            return await working.WaitAsync(answerLimit, CancellationToken.None);
        }
    }

    private static TimeSpan AnswerLimit(TimeSpan stallLimit) => stallLimit < LongestAnswer ? stallLimit : LongestAnswer;
}
