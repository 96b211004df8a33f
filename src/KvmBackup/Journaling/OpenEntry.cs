using KvmBackup.Persisting;

namespace KvmBackup.Journaling;

/// <summary>
/// An entry that is open. It is no scope: when it is not closed by name, it stays, and recovery finds it.
/// </summary>
public sealed class OpenEntry
{
    private readonly Lock gate = new();
    private readonly string filePath;
    private JournalEntry current;
    private bool isClosed;

    internal OpenEntry(string filePath, JournalEntry current)
    {
        this.filePath = filePath;
        this.current = current;
    }

    /// <summary>As it is on disk.</summary>
    public JournalEntry Current
    {
        get
        {
            lock (gate)
            {
                return current;
            }
        }
    }

    /// <summary>Changes the entry; when it returns, the change is on disk. Safe from several threads.</summary>
    /// <exception cref="JournalingException">It cannot be written: do not make the change that it tells of.</exception>
    public Task RecordAsync(Func<JournalEntry, JournalEntry> change, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isClosed, this);
            JournalEntry changed = change(current);
            if (changed.DomainUuid != current.DomainUuid || changed.BackupId != current.BackupId)
            {
                throw new InvalidOperationException("An open entry stays with its domain and its backup.");
            }

            // A few hundred bytes, and the disk must have them before anything else happens: nothing to wait for apart.
            JournalDisk.Guard(filePath, () => DurableFile.Replace(filePath, JournalFile.Format(changed)));
            current = changed;
        }

        return Task.CompletedTask;
    }

    /// <summary>Forgets the entry, for good: nothing of it is open any more.</summary>
    /// <exception cref="JournalingException">It cannot be removed.</exception>
    public Task CloseAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isClosed, this);
            JournalDisk.Guard(filePath, () => DurableFile.Delete(filePath));
            isClosed = true;
        }

        return Task.CompletedTask;
    }
}
