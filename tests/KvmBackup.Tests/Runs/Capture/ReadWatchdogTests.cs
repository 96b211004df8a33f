using KvmBackup.Runs;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Transfer;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Capture;

public sealed class ReadWatchdogTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Reading_continues_while_there_is_free_space()
    {
        bool isRead = false;
        await using (ReadWatchdog guard = Watch(folder.DirectoryPath))
        {
            await guard.ProtectAsync(async token =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), token);
                isRead = true;
            });
        }

        Assert.True(isRead);
    }

    [Fact]
    public async Task A_folder_with_unreadable_free_space_ends_the_read_and_not_the_run()
    {
        await using ReadWatchdog guard = Watch(folder.PathOf("absent"));

        RunsException failure = await Assert.ThrowsAsync<RunsException>(
            () => guard.ProtectAsync(token => Task.Delay(Timeout.Infinite, token)));

        Assert.Contains("the free space for overlays cannot be read", failure.Message, StringComparison.Ordinal);
        Assert.Contains("put back on its disks", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interruption_is_not_reported_as_a_lack_of_free_space()
    {
        using CancellationTokenSource source = new();
        await using ReadWatchdog guard = Watch(folder.DirectoryPath, cancellationToken: source.Token);
        await source.CancelAsync();

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => guard.ProtectAsync(token => Task.Delay(Timeout.Infinite, token)));
    }

    [Fact]
    public async Task A_stalled_target_aborts_the_read()
    {
        await using ReadWatchdog guard = Watch(folder.DirectoryPath, stallLimit: TimeSpan.Zero);

        RunsException failure = await Assert.ThrowsAsync<RunsException>(
            () => guard.ProtectAsync(token => Task.Delay(Timeout.Infinite, token)));

        Assert.Contains("the target took no data", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_slow_source_is_not_reported_as_a_stalled_target()
    {
        TransferMonitor monitor = new(Web1.Identity.Name, 1, null) { Stall = "the archive gave no data" };
        using IDisposable waiting = monitor.Watch(() => true);
        await using ReadWatchdog guard = new(
            [], monitor, TimeSpan.FromSeconds(0.5), () => Task.FromResult(false), TimeProvider.System, default);

        await guard.ProtectAsync(token => Task.Delay(TimeSpan.FromSeconds(2.5), token));

        waiting.Dispose();
        RunsException failure = await Assert.ThrowsAsync<RunsException>(
            () => guard.ProtectAsync(token => Task.Delay(TimeSpan.FromSeconds(30), token)));
        Assert.StartsWith("the archive gave no data", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pause_by_a_write_error_aborts_the_read()
    {
        int checks = 0;
        await using ReadWatchdog guard = Watch(folder.DirectoryPath, isPaused: () => ++checks > 1);

        RunsException failure = await Assert.ThrowsAsync<RunsException>(
            () => guard.ProtectAsync(token => Task.Delay(TimeSpan.FromSeconds(30), token)));

        Assert.Contains("the guest was paused during the read", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_was_already_paused_is_backed_up()
    {
        await using ReadWatchdog guard = Watch(folder.DirectoryPath, isPaused: () => true);

        bool isRead = false;

        await guard.ProtectAsync(async token =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), token);
            isRead = true;
        });

        Assert.True(isRead);
    }

    private static ReadWatchdog Watch(
        string folder, TimeSpan? stallLimit = null, Func<bool>? isPaused = null,
        CancellationToken cancellationToken = default) =>
        new(
            [new PlannedOverlay(Web1.Vda, "/base", "raw", Path.Combine(folder, "overlay"))],
            new TransferMonitor(Web1.Identity.Name, 1, null), stallLimit ?? TimeSpan.FromMinutes(1),
            () => Task.FromResult(isPaused?.Invoke() ?? false), TimeProvider.System, cancellationToken);
}
