using KvmBackup.Disks;
using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>
/// Watches the room that overlays grow into while disks are read. A guest whose overlay finds no room is paused by QEMU,
/// so the backup ends before that, and the guest goes on.
/// </summary>
public sealed class RoomGuard : IAsyncDisposable
{
    // What is left must hold the guest's writes until the commit has begun: some seconds of a quick disk.
    private const long ReserveBytes = 128L * 1024 * 1024;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource tight;
    private readonly CancellationTokenSource over = new();
    private readonly Task watching;
    private string? trouble;

    private RoomGuard(string[] folders, TimeProvider time, CancellationToken cancellationToken)
    {
        tight = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        watching = folders.Length == 0 ? Task.CompletedTask : WatchAsync(folders, time);
    }

    public static RoomGuard Watch(
        IReadOnlyList<PlannedOverlay> overlays, TimeProvider time, CancellationToken cancellationToken) => new(
        [.. overlays.Select(overlay => Path.GetDirectoryName(overlay.OverlayPath)!).Distinct()], time, cancellationToken);

    /// <summary>Does something that ends when room gets tight, or when the caller's token is cancelled.</summary>
    /// <exception cref="RunsException">Room got tight.</exception>
    public async Task ProtectAsync(Func<CancellationToken, Task> read)
    {
        try
        {
            await read(tight.Token);
        }
        catch (OperationCanceledException) when (trouble is not null)
        {
            throw new RunsException(
                $"{trouble}, so the backup was given up and the guest put back on its disks; make room there, or set overlay_dir");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        await watching;
        over.Dispose();
        tight.Dispose();
    }

    private async Task WatchAsync(string[] folders, TimeProvider time)
    {
        while (!over.IsCancellationRequested)
        {
            trouble = folders.Select(FindTrouble).FirstOrDefault(found => found is not null);
            if (trouble is not null)
            {
                await tight.CancelAsync();
                return;
            }

            await Task.Delay(Interval, time, over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static string? FindTrouble(string folder)
    {
        try
        {
            return LocalFile.AvailableBytes(folder) >= ReserveBytes ? null
                : $"{folder} got too full for what the guest writes during the backup (less than "
                    + $"{ByteSize.Format(ReserveBytes)} left)";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Where the room cannot be seen the guest is not left to grow into it.
            return $"the room left in {folder} cannot be read ({failure.Message.TrimEnd('.')})";
        }
    }
}
