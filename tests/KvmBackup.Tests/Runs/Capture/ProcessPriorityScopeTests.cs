using KvmBackup.Runs;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Transfer;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace KvmBackup.Tests.Runs.Capture;

/// <summary>The lower priority, which never applies while a guest waits.</summary>
public sealed class ProcessPriorityScopeTests
{
    private static readonly ResourceLimits Nice = new(null, 10, IoPriority.Idle);
    private readonly List<string> happened = [];

    [Fact]
    public async Task The_priority_is_lowered_during_a_read_and_restored_after_success_and_failure()
    {
        ProcessPriorityScope priority = new(_ => Lower(), Logger.None);
        using CancellationTokenSource ended = new();
        await ended.CancelAsync();

        await priority.Of(new Witness(happened), Nice).ReadAsync(null!, null!, CancellationToken.None);
        await Assert.ThrowsAsync<OperationCanceledException>(
            () => priority.Of(new Witness(happened), Nice).ReadAsync(null!, null!, ended.Token));

        Assert.Equal(["lower", "read", "back", "lower", "back"], happened);
    }

    [Fact]
    public async Task Without_limits_the_priority_is_unchanged()
    {
        ProcessPriorityScope priority = new(_ => Lower(), Logger.None);

        await priority.Of(new Witness(happened), new ResourceLimits(1000, 0, IoPriority.None)).ReadAsync(
            null!, null!, CancellationToken.None);

        Assert.Equal(["read"], happened);
    }

    [Fact]
    public async Task A_change_that_cannot_be_undone_is_not_made_and_reported_once()
    {
        using Logger log = new LoggerConfiguration().WriteTo.Sink(new Witness(happened)).CreateLogger();
        ProcessPriorityScope priority = new(_ => throw new RunsException("it takes root"), log);

        await priority.Of(new Witness(happened), Nice).ReadAsync(null!, null!, CancellationToken.None);
        await priority.Of(new Witness(happened), Nice).ReadAsync(null!, null!, CancellationToken.None);

        Assert.Equal(
            ["This run goes on as it was started, without limits: {nice, ionice}: \"it takes root\"", "read", "read"],
            happened);
    }

    private Witness Lower()
    {
        happened.Add("lower");
        return new Witness(happened);
    }

    private sealed class Witness(List<string> happened) : IDiskConsumer, ILogEventSink, IDisposable
    {
        public Task ReadAsync(BackupDisk disk, TransferMonitor monitor, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            happened.Add("read");
            return Task.CompletedTask;
        }

        public void Emit(LogEvent logEvent) => happened.Add(logEvent.RenderMessage(null));

        public void Dispose() => happened.Add("back");
    }
}
