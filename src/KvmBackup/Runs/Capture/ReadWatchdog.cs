using KvmBackup.Disks;
using KvmBackup.Runs.Transfer;

namespace KvmBackup.Runs.Capture;

/// <summary>
/// Watches a guest's back while its disks are read: the room that its overlays grow into, since QEMU pauses a guest whose
/// overlay finds none; whether it was paused all the same; and whether the target still takes data, since a guest must not
/// stay on its overlay for a share that hangs. When one fails the read is given up, and the guest goes back to its disks.
/// </summary>
public sealed class ReadWatchdog : IAsyncDisposable
{
    // What is left must hold the guest's writes until the commit has begun, and for as long as the commit takes.
    private const long LeastReserveBytes = 64L * 1024 * 1024;
    private const string Paused = "the guest was paused in the middle because a write to its disks failed, so the read was given "
        + "up and the guest put back on its disks";

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

    /// <param name="overlays">Where the guest writes.</param>
    /// <param name="monitor">How far the read is.</param>
    /// <param name="stallLimit">How long the read may stand still.</param>
    /// <param name="isPausedAsync">Whether a failed write has paused the guest.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the read, too.</param>
    public ReadWatchdog(
        IReadOnlyList<PlannedOverlay> overlays, TransferMonitor monitor, TimeSpan stallLimit, Func<Task<bool>> isPausedAsync,
        TimeProvider time, CancellationToken cancellationToken)
    {
        this.overlays = overlays;
        this.monitor = monitor;
        this.stallLimit = stallLimit;
        this.time = time;
        givenUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        watching = WatchAsync(isPausedAsync);
    }

    /// <summary>Does something that ends when the guard gives up, or when the caller's token is cancelled.</summary>
    /// <exception cref="RunsException">The guard gave up.</exception>
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
            // Who is waited for has limits of its own, and is told by its own name.
            if (monitor.IsWaiting || monitor.DoneBytes != doneBefore)
            {
                doneBefore = monitor.DoneBytes;
                movedAt = time.GetTimestamp();
            }

            reason = FindShortageOrBlindness(sizesBefore) ?? FindStall(movedAt) ?? (await pause.LookAsync() ? Paused : null);
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
        : $"{monitor.Stall} for {stallLimit.TotalSeconds:0} s, so the read was given up{Undone}. "
            + "Is the share or its server hanging?";

    private string? FindShortageOrBlindness(Dictionary<string, long> sizesBefore)
    {
        try
        {
            return FindShortage(sizesBefore);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Where the room cannot be seen the guest is not left to grow into it.
            return $"the room left for overlays cannot be read ({failure.Message.TrimEnd('.')}), so the read was given up "
                + "and the guest put back on its disks";
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
                return $"{folder.Key} has {ByteSize.Format(available)} left, and the guest writes {ByteSize.Format(growth)} a "
                    + "second there during the read, so it was given up before the guest ran out of room, and the guest put "
                    + "back on its disks; make room there, or set overlay_dir";
            }
        }

        return null;
    }
}

/// <summary>
/// Asks from time to time whether a failed write has paused a guest, without ever waiting for the answer: a libvirt that is slow
/// must not keep anybody from watching other things.
/// </summary>
/// <param name="isPausedAsync">Never fails.</param>
internal sealed class PauseWatch(Func<Task<bool>> isPausedAsync) : IAsyncDisposable
{
    private const int LooksBetween = 5;
    private Task<bool> asked = isPausedAsync();
    private int looks;
    private bool? wasPaused;

    /// <summary>To be called every second or so.</summary>
    /// <returns>Whether the guest was paused since the first answer; one that was paused beforehand is not told.</returns>
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
