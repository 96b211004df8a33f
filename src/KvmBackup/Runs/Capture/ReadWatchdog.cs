using KvmBackup.Disks;
using KvmBackup.Runs.Transfer;

namespace KvmBackup.Runs.Capture;

/// <summary>
/// Watches a guest while its disks are read: the free space for its overlays, since QEMU pauses a guest whose overlay
/// cannot grow; whether the guest was paused; and whether the target still accepts data, since a guest must not stay
/// on its overlay because of a share that hangs. On a failure the read is aborted, and the guest returns to its disks.
/// </summary>
public sealed class ReadWatchdog : IAsyncDisposable
{
    // The free space must suffice for the guest's writes until the end of the commit.
    private const long LeastReserveBytes = 64L * 1024 * 1024;
    private const string Paused = "the guest was paused during the read because a write to its disks failed, so the "
        + "read was "
        + "aborted and the guest put back on its disks";

    private static readonly TimeSpan GrowthHorizon = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<PlannedOverlay> overlays;
    private readonly TransferMonitor monitor;
    private readonly TimeSpan stallLimit;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource givenUp;
    private readonly CancellationTokenSource over = new();
    private readonly Task watching;
    private string? reason;

    /// <param name="overlays">The overlays of the guest.</param>
    /// <param name="monitor">The progress of the read.</param>
    /// <param name="stallLimit">How long the read may make no progress.</param>
    /// <param name="isPausedAsync">Whether a failed write has paused the guest.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Cancels the read, too.</param>
    public ReadWatchdog(
        IReadOnlyList<PlannedOverlay> overlays, TransferMonitor monitor, TimeSpan stallLimit,
        Func<Task<bool>> isPausedAsync, TimeProvider time, CancellationToken cancellationToken)
    {
        this.overlays = overlays;
        this.monitor = monitor;
        this.stallLimit = stallLimit;
        this.time = time;
        givenUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        watching = WatchAsync(isPausedAsync);
    }

    /// <summary>Runs a read that is cancelled when a check fails, or with the caller's token.</summary>
    /// <exception cref="RunsException">A check failed.</exception>
    public async Task ProtectAsync(Func<CancellationToken, Task> read)
    {
        try
        {
            await read(givenUp.Token);
        }
        catch (OperationCanceledException) when (reason is not null)
        {
            throw new RunsException(reason);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        await watching;
        over.Dispose();
        givenUp.Dispose();
    }

    private async Task WatchAsync(Func<Task<bool>> isPausedAsync)
    {
        await using PauseWatch pause = new(isPausedAsync);
        Dictionary<string, long> sizesBefore = [];
        long doneBefore = -1;
        long movedAt = time.GetTimestamp();
        while (!over.IsCancellationRequested)
        {
            // The source has time limits and error messages of its own.
            if (monitor.IsWaiting || monitor.DoneBytes != doneBefore)
            {
                doneBefore = monitor.DoneBytes;
                movedAt = time.GetTimestamp();
            }

            reason = FindShortageOrBlindness(sizesBefore)
                ?? FindStall(movedAt)
                ?? (await pause.LookAsync() ? Paused : null);
            if (reason is not null)
            {
                await givenUp.CancelAsync();
                return;
            }

            await Task.Delay(Interval, time, over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private string Undone => overlays.Count == 0 ? string.Empty : " and the guest put back on its disks";

    private string? FindStall(long movedAt) => time.GetElapsedTime(movedAt) < stallLimit ? null
        : $"{monitor.Stall} for {stallLimit.TotalSeconds:0} s, so the read was aborted{Undone}. "
            + "Is the share or its server hanging?";

    private string? FindShortageOrBlindness(Dictionary<string, long> sizesBefore)
    {
        try
        {
            return FindShortage(sizesBefore);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Without knowing the free space the guest must not stay on its overlay.
            return $"the free space for overlays cannot be read ({failure.Message.TrimEnd('.')}), so the read was "
                + "aborted and the guest put back on its disks";
        }
    }

    private string? FindShortage(Dictionary<string, long> sizesBefore)
    {
        foreach (IGrouping<string, PlannedOverlay> folder in overlays.GroupBy(
            overlay => Path.GetDirectoryName(overlay.OverlayPath)!))
        {
            long size = folder.Sum(overlay => LocalFile.AllocatedBytes(overlay.OverlayPath));
            long growth = Math.Max(0, size - sizesBefore.GetValueOrDefault(folder.Key, size));
            sizesBefore[folder.Key] = size;
            long reserve = Math.Max(LeastReserveBytes, (long)(growth * (GrowthHorizon / Interval)));
            long available = LocalFile.AvailableBytes(folder.Key);
            if (available < reserve)
            {
                return $"{folder.Key} has {ByteSize.Format(available)} left, and the guest writes "
                    + $"{ByteSize.Format(growth)} a "
                    + "second there during the read, so it was aborted before the guest ran out of space, and the "
                    + "guest put "
                    + "back on its disks; free space there, or set overlay_dir";
            }
        }

        return null;
    }
}

/// <summary>
/// Checks periodically whether a failed write has paused a guest, without waiting for the answer: a slow libvirt must
/// not delay the other checks.
/// </summary>
/// <param name="isPausedAsync">Never fails.</param>
internal sealed class PauseWatch(Func<Task<bool>> isPausedAsync) : IAsyncDisposable
{
    private const int LooksBetween = 5;
    private Task<bool> asked = isPausedAsync();
    private int looks;
    private bool? wasPaused;

    /// <summary>To be called about once a second.</summary>
    /// <returns>Whether the guest was paused since the first answer; an earlier pause does not count.</returns>
    public async ValueTask<bool> LookAsync()
    {
        looks++;
        if (!asked.IsCompleted)
        {
            return false;
        }

        bool isPaused = await asked;
        bool isNew = isPaused && wasPaused == false;
        wasPaused = isPaused;
        if (looks % LooksBetween == 0)
        {
            asked = isPausedAsync();
        }

        return isNew;
    }

    public async ValueTask DisposeAsync() => _ = await asked;
}
