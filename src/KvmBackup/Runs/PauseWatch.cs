namespace KvmBackup.Runs;

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
