using KvmBackup.Runs.Transfer;
using KvmBackup.Tests.Archiving;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Transfer;

/// <summary>So many bytes in a second, and no more.</summary>
public sealed class RateLimiterTests
{
    private readonly AcceleratedTime time = new();

    [Fact]
    public async Task Each_read_waits_until_it_is_paid_for()
    {
        RateLimiter pace = new(1000, time);

        foreach (int bytes in new[] { 1000, 3000, 500, 500 })
        {
            await pace.TakeAsync(bytes, CancellationToken.None);
        }

        Assert.Equal(TimeSpan.FromSeconds(5), time.Elapsed);
    }

    [Fact]
    public async Task What_was_not_used_for_long_is_not_saved_up()
    {
        RateLimiter pace = new(1000, time);
        time.Pass(TimeSpan.FromHours(1));

        await pace.TakeAsync(2000, CancellationToken.None);

        Assert.Equal(1.75, (time.Elapsed - TimeSpan.FromHours(1)).TotalSeconds, 3);
    }

    [Fact]
    public async Task While_it_waits_the_job_says_so_and_it_can_be_ended()
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
    public void Without_a_limit_nothing_stands_between()
    {
        SparseContent content = SparseContent.Whole(10, 1);
        TransferMonitor monitor = new(Web1.Identity.Name, 1, null) { RateLimiter = RateLimiter.Of(new ResourceLimits(0, 5, null), time) };

        Assert.Same(content, monitor.Limit(content));
    }
}
