using KvmBackup.Runs;
using KvmBackup.Runs.Transfer;

namespace KvmBackup.Tests.Runs.Transfer;

/// <summary>Operations on a hanging target are cancelled before they are abandoned.</summary>
public sealed class TargetTimeoutTests
{
    private const string Target = "/mnt/backup";
    private static readonly TimeSpan StallLimit = TimeSpan.FromMilliseconds(20);

    [Fact]
    public async Task A_hanging_operation_is_cancelled_and_abandoned()
    {
        CancellationToken received = default;

        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => TargetTimeout.FinishAsync(
            "the end", token =>
            {
                received = token;
                return Endless();
            },
            StallLimit, Target, CancellationToken.None));

        Assert.True(received.IsCancellationRequested);
        Assert.Contains(Target, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_slow_operation_may_take_longer_than_a_stall()
    {
        int result = await TargetTimeout.FinishAsync(
            "the end", async token =>
            {
                await Task.Delay(StallLimit * 3, token);
                return 7;
            },
            StallLimit, Target, CancellationToken.None);

        Assert.Equal(7, result);
    }

    [Fact]
    public async Task A_cancelled_operation_is_waited_for_until_it_has_stopped()
    {
        using CancellationTokenSource interruption = new();
        bool hasStopped = false;
        Task finishing = TargetTimeout.FinishAsync(
            "the end", async token =>
            {
                await Task.Delay(
                    Timeout.InfiniteTimeSpan, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await Task.Delay(StallLimit * 3, CancellationToken.None);
                hasStopped = true;
                token.ThrowIfCancellationRequested();
                return 0;
            },
            TimeSpan.FromMinutes(1), Target, interruption.Token);

        await interruption.CancelAsync();

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => finishing);
        Assert.True(hasStopped);
    }

    [Fact]
    public async Task A_cancelled_operation_that_hangs_does_not_block_the_run()
    {
        using CancellationTokenSource interruption = new();
        Task finishing =
            TargetTimeout.FinishAsync("the end", _ => Endless(), TimeSpan.FromSeconds(1), Target, interruption.Token);

        await interruption.CancelAsync();

        // Without the interruption it would be thirty seconds.
        _ = await Assert.ThrowsAsync<RunsException>(() => finishing.WaitAsync(TimeSpan.FromSeconds(15)));
    }

    private static Task<int> Endless() => new TaskCompletionSource<int>().Task;
}
