using KvmBackup.Shell;
using Serilog;

namespace KvmBackup.Guarding;

/// <summary>
/// Waits while guests are changed: a second process that reads a pipe, and becomes the recovery when the pipe closes
/// without a line, which means that this process was killed.
/// </summary>
public sealed class RecoveryWatcher : IAsyncDisposable
{
    // A waiting shell needs 2 MB and starts immediately; this program would need 40 MB. The script contains no part of
    // the call.
    private const string WaitScript = """
        trap '' HUP INT QUIT TERM
        command -v "$0" >/dev/null || exit 127
        echo ready
        read -r line || exec "$0" "$@"
        """;

    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(20);
    private readonly ILogger log;
    private HelperProcess? helper;

    private RecoveryWatcher(ILogger log) => this.log = log;

    /// <summary>Whether the watcher has reported that it is ready.</summary>
    public bool IsReady { get; private set; }

    /// <summary>
    /// The watcher: it exits at a line on its standard input, and becomes the program at the end of the input.
    /// </summary>
    public static ProgramCall Call(WatcherCommand watch) =>
        new("sh", ["-c", WaitScript, watch.Program, .. watch.Arguments]);

    /// <summary>Starts the watcher without waiting until it is ready.</summary>
    /// <param name="watch">The command that it runs when this process is killed.</param>
    /// <param name="log">Receives a warning when the watcher is not available: then the next run recovers.</param>
    public static RecoveryWatcher Arm(WatcherCommand watch, ILogger log)
    {
        RecoveryWatcher watcher = new(log);
        try
        {
            watcher.helper = HelperProcess.Start(Call(watch));
        }
        catch (ShellException failure)
        {
            watcher.Warn(failure);
        }

        return watcher;
    }

    /// <summary>
    /// Waits until the watcher is ready, or logs that it is not available. Must be called before anything is changed.
    /// </summary>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        if (IsReady || helper is null)
        {
            return;
        }

        try
        {
            await helper.WaitUntilReadyAsync(ReadyLimit, cancellationToken);
            IsReady = true;
        }
        catch (ShellException failure)
        {
            Warn(failure);
            await helper.DisposeAsync();
            helper = null;
        }
    }

    public ValueTask DisposeAsync() => helper?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void Warn(ShellException failure) => log.Warning(
        "No watcher is available in case that this run is killed (the next run would recover): {Message}",
        failure.Message);
}

/// <summary>The command that starts this program when a run was killed.</summary>
/// <param name="Program">Its executable.</param>
/// <param name="Arguments">The arguments that start the recovery.</param>
public sealed record WatcherCommand(string Program, IReadOnlyList<string> Arguments);
