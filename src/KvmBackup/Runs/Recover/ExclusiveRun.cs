using KvmBackup.Ceph;
using KvmBackup.Guarding;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Recover;

/// <summary>
/// Begins runs that change guests: alone on this host, after the recovery of interrupted runs, with a watcher that
/// recovers if this process is killed, and ended by a shutdown of the host.
/// </summary>
public sealed class ExclusiveRuns(
    string stateDirectory, RecoverRun recover, WatcherCommand command, HostShutdown shutdown, ClusterKeys keys,
    TimeProvider time, ILogger log)
{
    /// <param name="wait">How long to wait for another run.</param>
    /// <param name="changesGuests">False: neither a watcher nor a delay of the shutdown is required.</param>
    /// <exception cref="KvmBackupException">Another run is active, or recovery is impossible.</exception>
    public async Task<ExclusiveRun> BeginAsync(TimeSpan wait, bool changesGuests, CancellationToken cancellationToken)
    {
        RunLock held = await RunLock.AcquireAsync(stateDirectory, wait, time, cancellationToken);
        ExclusiveRun run = new(
            held, changesGuests ? RecoveryWatcher.Arm(command, log) : null,
            changesGuests ? shutdown.Delay(cancellationToken) : null, keys, cancellationToken);
        try
        {
            run.Recovery = await recover.RecoverAsync(run.Token);
            return run;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    /// <summary>For a run that changes nothing, and so neither locks nor recovers anything.</summary>
    public ExclusiveRun BeginDryRun(CancellationToken cancellationToken) =>
        new(null, null, null, keys, cancellationToken);
}

/// <summary>A run that changes guests, from its lock to its end; see <see cref="ExclusiveRuns"/>.</summary>
public sealed class ExclusiveRun : IAsyncDisposable
{
    private readonly RunLock? held;
    private readonly ShutdownDelay? delay;
    private readonly ClusterKeys keys;

    internal ExclusiveRun(
        RunLock? held, RecoveryWatcher? watcher, ShutdownDelay? delay, ClusterKeys keys,
        CancellationToken cancellationToken)
    {
        this.held = held;
        this.delay = delay;
        this.keys = keys;
        Watcher = watcher;
        Token = delay?.Token ?? cancellationToken;
    }

    /// <summary>Recovers the guests if this process is killed; null when none are changed.</summary>
    public RecoveryWatcher? Watcher { get; }

    /// <summary>What was recovered at the start.</summary>
    public RecoveryReport Recovery { get; internal set; } = RecoveryReport.Nothing;

    /// <summary>Cancelled when the caller's token is, or when the host begins to shut down.</summary>
    public CancellationToken Token { get; }

    public async ValueTask DisposeAsync()
    {
        keys.Forget();
        await (delay?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (Watcher?.DisposeAsync() ?? ValueTask.CompletedTask);
        held?.Dispose();
    }
}
