namespace KvmBackup.Disks;

/// <summary>Something that a restore writes and that becomes valid at its commit; without it, it is undone.</summary>
public interface IRestoredDisk : IExtentSink, IAsyncDisposable
{
    /// <summary>Where the bytes are until the commit.</summary>
    string WorkingPath { get; }

    /// <summary>Flushes it, and gives it its name.</summary>
    /// <param name="replace">What exists by that name may go.</param>
    /// <exception cref="DisksException">It could not be finished.</exception>
    void Commit(bool replace);
}
