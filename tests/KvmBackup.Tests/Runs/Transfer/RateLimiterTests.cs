using KvmBackup.Runs.Transfer;
using KvmBackup.Tests.Archiving;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Transfer;

/// <summary>The limit of bytes per second.</summary>
public sealed class RateLimiterTests
{
    private readonly AcceleratedTime time = new();

    [Fact]
    public async Task Each_read_waits_for_the_limiter()
    {
        RateLimiter limiter = new(1000, time);

        foreach (int bytes in new[] { 1000, 3000, 500, 500 })
        {
            await limiter.TakeAsync(bytes, CancellationToken.None);
        }

        Assert.Equal(TimeSpan.FromSeconds(5), time.Elapsed);
    }

    [Fact]
    public async Task Unused_capacity_is_not_accumulated()
    {
        RateLimiter limiter = new(1000, time);
        time.Pass(TimeSpan.FromHours(1));

        await limiter.TakeAsync(2000, CancellationToken.None);

        Assert.Equal(1.75, (time.Elapsed - TimeSpan.FromHours(1)).TotalSeconds, 3);
    }

    [Fact]
    public async Task A_limited_read_is_reported_as_waiting_and_can_be_cancelled()
    {
        using CancellationTokenSource source = new();
        TransferMonitor monitor = new(Web1.Identity.Name, 1, null)
        {
            RateLimiter = RateLimiter.Of(new ResourceLimits(1, null, null), TimeProvider.System),
        };
        Assert.False(monitor.IsWaiting);
        IExtentSource content = monitor.Limit(SparseContent.Whole(1_000_000, 1));

        Task reading = content.ReadAsync(0, new byte[1_000_000], source.Token).AsTask();

        Assert.True(monitor.IsWaiting);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.False(monitor.IsWaiting);
    }

    [Fact]
    public void Without_a_limit_the_source_is_unchanged()
    {
        SparseContent content = SparseContent.Whole(10, 1);
        TransferMonitor monitor =
            new(Web1.Identity.Name, 1, null) { RateLimiter = RateLimiter.Of(new ResourceLimits(0, 5, null), time) };

        Assert.Same(content, monitor.Limit(content));
    }
}
