using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The right to run on this host, held by one run at a time.</summary>
public sealed class RunLock : IDisposable
{
    private const string FileName = "run.lock";
    private const string Recovery = "to recover";
    private readonly KernelLock held;

    private RunLock(KernelLock held) => this.held = held;

    /// <param name="stateDirectory">The state directory of this host; created when it is missing.</param>
    /// <param name="wait">The longest wait for another run.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="StorageException">Another run still holds it: exit code 11.</exception>
    public static Task<RunLock> AcquireAsync(
        string stateDirectory, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken) =>
        AcquireAsync(stateDirectory, wait, purpose: null, time, cancellationToken);

    /// <summary>For a recovery alone: by the watcher of a killed run, or by an operator.</summary>
    /// <exception cref="StorageException">Another run still holds it: exit code 11.</exception>
    public static Task<RunLock> AcquireToRecoverAsync(
        string stateDirectory, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken) =>
        AcquireAsync(stateDirectory, wait, Recovery, time, cancellationToken);

    /// <summary>Whether the last holder was a recovery, which may have ended.</summary>
    public static bool IsTakenToRecover(string stateDirectory)
    {
        string filePath = Path.Combine(stateDirectory, FileName);
        return File.Exists(filePath)
            && KernelLock.ReadHolder(filePath).EndsWith($", {Recovery}", StringComparison.Ordinal);
    }

    private static async Task<RunLock> AcquireAsync(
        string stateDirectory, TimeSpan wait, string? purpose, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            _ = Directory.CreateDirectory(stateDirectory, DurableFile.DirectoryMode);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"The state directory '{stateDirectory}' cannot be created");
        }

        string filePath = Path.Combine(stateDirectory, FileName);
        return new RunLock(await LockWait.AcquireAsync(filePath, "This host", wait, time, cancellationToken, purpose));
    }

    public void Dispose() => held.Dispose();
}
