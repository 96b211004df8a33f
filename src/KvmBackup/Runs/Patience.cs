using Serilog;

namespace KvmBackup.Runs;

/// <summary>
/// Waits for what a hanging target may never finish. A write that the kernel holds cannot be interrupted, so it is left
/// behind, and the run goes on without it.
/// </summary>
public static class Patience
{
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
