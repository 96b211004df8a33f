namespace KvmBackup.Disks;

/// <summary>A disk that a restore writes. It becomes valid by its commit; a dispose before that undoes it.</summary>
public interface IRestoredDisk : IExtentSink, IAsyncDisposable
{
    /// <summary>The path until the commit.</summary>
    string WorkingPath { get; }

    /// <summary>Flushes the disk and renames it to its final name.</summary>
    /// <param name="replace">An existing file of that name may be replaced.</param>
    /// <exception cref="DisksException">The disk could not be completed.</exception>
    void Commit(bool replace);
}
