using KvmBackup.Storage;
using KvmBackup.Tests.Support;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace KvmBackup.Tests.Runs.Recover;

/// <summary>The lock: a recovery waits for another recovery, such as that of a watcher, but not for a run.</summary>
public sealed class RecoveryLockTests : IDisposable
{
    private readonly Web1Host host = new();

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task A_recovery_waits_for_an_active_watcher()
    {
        await host.LeaveAsync(PinState.Releasing, "released");
        _ = host.Shell.Now("running/list", "pinned/vda-map", "pinned/vdb-map");
        RunLock watcher =
            await RunLock.AcquireToRecoverAsync(
                host.PathOf("state"), TimeSpan.Zero, TimeProvider.System, CancellationToken.None);
        using Logger log = new LoggerConfiguration().WriteTo.Sink(new Release(watcher)).CreateLogger();

        Assert.Equal(ExitCode.Done, (await host.RecoverAsync(log)).ExitCode);
        Assert.Empty(host.Journal.ListOpen());
    }

    [Fact]
    public async Task A_recovery_does_not_wait_for_a_run()
    {
        await host.LeaveAsync(PinState.Releasing, "released");
        using RunLock run =
            await RunLock.AcquireAsync(
                host.PathOf("state"), TimeSpan.Zero, TimeProvider.System, CancellationToken.None);

        StorageException failure = await Assert.ThrowsAsync<StorageException>(() => host.RecoverAsync());

        Assert.Equal(ExitCode.AlreadyRunning, failure.ExitCode);
    }

    /// <summary>The watcher ends when the other recovery logs that it waits.</summary>
    private sealed class Release(RunLock held) : ILogEventSink
    {
        public void Emit(LogEvent logEvent)
        {
            if (logEvent.MessageTemplate.Text.Contains("Another recovery", StringComparison.Ordinal))
            {
                held.Dispose();
            }
        }
    }
}
