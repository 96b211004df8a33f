using KvmBackup.Model;
using KvmBackup.Runs;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs;

public sealed class RoomGuardTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Reading_goes_on_while_there_is_room()
    {
        bool isRead = false;
        await using (RoomGuard guard = Watch(folder.DirectoryPath))
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
    public async Task A_folder_whose_room_cannot_be_read_ends_the_reading_and_not_the_run()
    {
        await using RoomGuard guard = Watch(folder.PathOf("absent"));

        RunsException failure = await Assert.ThrowsAsync<RunsException>(
            () => guard.ProtectAsync(token => Task.Delay(Timeout.Infinite, token)));

        Assert.Contains($"the room left in {folder.PathOf("absent")} cannot be read", failure.Message, StringComparison.Ordinal);
        Assert.Contains("put back on its disks", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interruption_is_not_taken_for_a_lack_of_room()
    {
        using CancellationTokenSource source = new();
        await using RoomGuard guard = Watch(folder.DirectoryPath, source.Token);
        await source.CancelAsync();

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => guard.ProtectAsync(token => Task.Delay(Timeout.Infinite, token)));
    }

    private static RoomGuard Watch(string folder, CancellationToken cancellationToken = default) => RoomGuard.Watch(
        [new PlannedOverlay(Web1.Vda, "/base", "raw", Path.Combine(folder, "overlay"))], TimeProvider.System, cancellationToken);
}
