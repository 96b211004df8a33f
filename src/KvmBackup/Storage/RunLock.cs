using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The right to run on this host, which one run has at a time.</summary>
public sealed class RunLock : IDisposable
{
    private const string FileName = "run.lock";
    private const string Recovery = "to recover";
    private readonly KernelLock held;

    private RunLock(KernelLock held) => this.held = held;

    /// <param name="stateDirectory">Of this host; made when it is missing.</param>
    /// <param name="wait">How long another run may take to end.</param>
    /// <exception cref="StorageException">Another run has it still: exit code 11.</exception>
    public static Task<RunLock> AcquireAsync(
        string stateDirectory, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken) =>
        AcquireAsync(stateDirectory, wait, purpose: null, time, cancellationToken);

    /// <summary>For a recovery alone: by the watcher of a killed run, or by hand.</summary>
    /// <exception cref="StorageException">Another has it still: exit code 11.</exception>
    public static Task<RunLock> AcquireToRecoverAsync(
        string stateDirectory, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken) =>
        AcquireAsync(stateDirectory, wait, Recovery, time, cancellationToken);

    /// <summary>Whether the last that took it did so to recover; it may have ended since.</summary>
    public static bool IsTakenToRecover(string stateDirectory)
    {
        string filePath = Path.Combine(stateDirectory, FileName);
        return File.Exists(filePath) && KernelLock.ReadHolder(filePath).EndsWith($", {Recovery}", StringComparison.Ordinal);
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
            throw StorageException.From(failure, $"The state directory '{stateDirectory}' cannot be made");
        }

        string filePath = Path.Combine(stateDirectory, FileName);
        return new RunLock(await LockWait.AcquireAsync(filePath, "This host", wait, time, cancellationToken, purpose));
    }

    public void Dispose() => held.Dispose();
}
