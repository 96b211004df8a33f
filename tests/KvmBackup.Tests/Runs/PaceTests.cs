using KvmBackup.Model;
using KvmBackup.Runs;
using KvmBackup.Tests.Archiving;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs;

/// <summary>So many bytes in a second, and no more.</summary>
public sealed class PaceTests
{
    private readonly ImpatientTime time = new();

    [Fact]
    public async Task Each_read_waits_until_it_is_paid_for()
    {
        Pace pace = new(1000, time);

        foreach (int bytes in new[] { 1000, 3000, 500, 500 })
        {
            await pace.TakeAsync(bytes, CancellationToken.None);
        }

        Assert.Equal(TimeSpan.FromSeconds(5), time.Elapsed);
    }

    [Fact]
    public async Task What_was_not_used_for_long_is_not_saved_up()
    {
        Pace pace = new(1000, time);
        time.Pass(TimeSpan.FromHours(1));

        await pace.TakeAsync(2000, CancellationToken.None);

        Assert.Equal(1.75, (time.Elapsed - TimeSpan.FromHours(1)).TotalSeconds, 3);
    }

    [Fact]
    public async Task While_it_waits_the_job_says_so_and_it_can_be_ended()
    {
        using CancellationTokenSource source = new();
        Tally tally = new(Web1.Identity.Name, 1, null)
        {
            Pace = Pace.Of(new ResourceLimits(1, null, null), TimeProvider.System),
        };
        Assert.False(tally.IsWaiting);
        IExtentSource content = tally.Paced(SparseContent.Whole(1_000_000, 1));

        Task reading = content.ReadAsync(0, new byte[1_000_000], source.Token).AsTask();

        Assert.True(tally.IsWaiting);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.False(tally.IsWaiting);
    }

    [Fact]
    public void Without_a_limit_nothing_stands_between()
    {
        SparseContent content = SparseContent.Whole(10, 1);
        Tally tally = new(Web1.Identity.Name, 1, null) { Pace = Pace.Of(new ResourceLimits(0, 5, null), time) };

        Assert.Same(content, tally.Paced(content));
    }
}
