namespace KvmBackup.Runs.Archives;

/// <summary>The opened backups of a chain, by ID. Disposing it closes them.</summary>
public sealed class OpenBackups : IDisposable
{
    private readonly Dictionary<BackupId, BackupReader> readers = [];

    /// <exception cref="KeyNotFoundException">The backup was not added.</exception>
    public BackupReader this[BackupId id] => readers[id];

    /// <summary>Takes over a reader.</summary>
    public void Add(BackupReader reader) => readers.Add(reader.Backup.Id, reader);

    public void Dispose()
    {
        foreach (BackupReader reader in readers.Values)
        {
            reader.Dispose();
        }
    }
}
