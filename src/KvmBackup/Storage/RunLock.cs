using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The right to run on this host, which one run has at a time.</summary>
public sealed class RunLock : IDisposable
{
    private const string FileName = "run.lock";
    private readonly KernelLock held;

    private RunLock(KernelLock held) => this.held = held;

    /// <param name="stateDirectory">Of this host; made when it is missing.</param>
    /// <param name="wait">How long another run may take to end.</param>
    /// <exception cref="StorageException">Another run has it still: exit code 11.</exception>
    public static async Task<RunLock> AcquireAsync(
        string stateDirectory, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken)
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
        return new RunLock(await LockWait.AcquireAsync(filePath, "This host", wait, time, cancellationToken));
    }

    public void Dispose() => held.Dispose();
}
