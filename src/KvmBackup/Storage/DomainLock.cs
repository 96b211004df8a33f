using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The right to change one domain's backups: held by one run on one host at a time.</summary>
public sealed class DomainLock : IDisposable
{
    private readonly KernelLock held;
    private readonly string directoryPath;

    internal DomainLock(KernelLock held, string directoryPath)
    {
        this.held = held;
        this.directoryPath = directoryPath;
    }

    public void Dispose() => held.Dispose();

    /// <exception cref="InvalidOperationException">It is another domain's lock, or was given back.</exception>
    internal void Demand(string ofDirectory)
    {
        if (!held.IsHeld || directoryPath != ofDirectory)
        {
            throw new InvalidOperationException($"The lock of '{ofDirectory}' is not held.");
        }
    }
}
