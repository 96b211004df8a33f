using KvmBackup.Persisting;

namespace KvmBackup.Journaling;

/// <summary>An open entry. It has no scope: without an explicit close it remains, and recovery finds it.</summary>
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

    /// <summary>The entry as it is on disk.</summary>
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

    /// <summary>Changes the entry and returns when the change is on disk. Thread-safe.</summary>
    /// <exception cref="JournalingException">It cannot be written: do not perform the recorded action.</exception>
    public Task RecordAsync(Func<JournalEntry, JournalEntry> change, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isClosed, this);
            JournalEntry changed = change(current);
            if (changed.DomainUuid != current.DomainUuid || changed.BackupId != current.BackupId)
            {
                throw new InvalidOperationException("The domain and backup of an open entry cannot change.");
            }

            // A few hundred bytes that must be on disk before the next action: asynchronous writing has no benefit.
            JournalDisk.Guard(filePath, () => DurableFile.Replace(filePath, JournalFile.Format(changed)));
            current = changed;
        }

        return Task.CompletedTask;
    }

    /// <summary>Deletes the entry: all its changes are completed or undone.</summary>
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
