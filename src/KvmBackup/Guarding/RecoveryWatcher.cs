using KvmBackup.Shell;
using Serilog;

namespace KvmBackup.Guarding;

/// <summary>
/// Stands by while guests are changed: a second process that holds nothing but a pipe, and becomes the recovery when the pipe
/// closes without a word, which is when the first one was killed.
/// </summary>
public sealed class RecoveryWatcher : IAsyncDisposable
{
    // A shell that waits takes 2 MB and no time to start; this program, waiting, would take 40. Nothing of the call is
    // part of the script.
    private const string StandBy = """
        trap '' HUP INT QUIT TERM
        command -v "$0" >/dev/null || exit 127
        echo standing by
        read -r word || exec "$0" "$@"
        """;

    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(20);
    private readonly ILogger log;
    private HelperProcess? companion;

    private RecoveryWatcher(ILogger log) => this.log = log;

    /// <summary>Somebody stands by, and said so.</summary>
    public bool IsReady { get; private set; }

    /// <summary>What stands by: ends at a word on its standard input, and becomes the program at its end.</summary>
    public static ProgramCall Call(WatcherCommand watch) => new("sh", ["-c", StandBy, watch.Program, .. watch.Arguments]);

    /// <summary>Starts the watcher, and leaves it to get ready.</summary>
    /// <param name="watch">What becomes of it when the run is killed.</param>
    /// <param name="log">Takes a warning when it cannot be had: the next run recovers then.</param>
    public static RecoveryWatcher Arm(WatcherCommand watch, ILogger log)
    {
        RecoveryWatcher armed = new(log);
        try
        {
            armed.companion = HelperProcess.Start(Call(watch));
        }
        catch (ShellException failure)
        {
            armed.Warn(failure);
        }

        return armed;
    }

    /// <summary>Returns when somebody stands by, or was found not to, which is told: before anything is changed.</summary>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        if (IsReady || companion is null)
        {
            return;
        }

        try
        {
            await companion.WaitUntilReadyAsync(ReadyLimit, cancellationToken);
            IsReady = true;
        }
        catch (ShellException failure)
        {
            Warn(failure);
            await companion.DisposeAsync();
            companion = null;
        }
    }

    public ValueTask DisposeAsync() => companion?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void Warn(ShellException failure) => log.Warning(
        "Nobody stands by in case that this run is killed (the next run would mend it): {Message}", failure.Message);
}

/// <summary>How this program is started when a run was killed.</summary>
/// <param name="Program">Its executable.</param>
/// <param name="Arguments">The words that make it mend what the run left.</param>
public sealed record WatcherCommand(string Program, IReadOnlyList<string> Arguments);
