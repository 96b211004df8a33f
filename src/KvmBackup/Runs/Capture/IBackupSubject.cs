using KvmBackup.Configuration;
using KvmBackup.Journaling;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Capture;

/// <summary>What a backup is of, for the workflow of a backup or comparison: how it is inspected, recorded in the journal and captured.</summary>
/// <typeparam name="TJob">What is known of it before anything is changed.</typeparam>
public interface IBackupSubject<TJob>
    where TJob : BackupJob
{
    /// <summary>The name under which its backups lie.</summary>
    DomainName Name { get; }

    BackupSettings Settings { get; }

    /// <summary>What an interruption has left as it was: a clause of a sentence.</summary>
    string Untouched { get; }

    /// <summary>Looks at it, and refuses what would end badly. Changes nothing.</summary>
    /// <exception cref="KvmBackupException">It cannot be backed up now.</exception>
    Task<TJob> PrepareAsync(DomainDirectory directory, BackupId id, CancellationToken cancellationToken);

    /// <summary>For the journal: all that an undo must know.</summary>
    /// <param name="job">What was prepared.</param>
    /// <param name="id">The backup, or the instant of what only looks.</param>
    /// <param name="directoryPath">The backup's directory while it is not published; of what publishes nothing, any other.</param>
    JournalEntry Intent(TJob job, BackupId id, string directoryPath);

    /// <summary>Begins to hold it; nothing has changed yet.</summary>
    ICapture Hold(TJob job, BackupId id, OpenEntry entry, RbdCapture images);
}

/// <summary>What is backed up or compared, held at one instant while it is read.</summary>
public interface ICapture
{
    /// <summary>False: something is left that only recovery or a person can mend, so the journal must not forget it.</summary>
    bool IsClean { get; }

    /// <summary>Asks what must be known before the pin, so that the rest of what is prepared need not wait for it. Changes
    /// nothing; what is not asked here is asked by <see cref="ReadAsync"/>.</summary>
    /// <exception cref="KvmBackupException">It must not be pinned.</exception>
    Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>Pins it, reads each disk once, and lets it go.</summary>
    /// <param name="consumer">Receives each disk while it is captured.</param>
    /// <param name="monitor">How far the read is.</param>
    /// <param name="cancellationToken">Ends the read; the source is let go all the same.</param>
    /// <returns>What the copy is worth.</returns>
    /// <exception cref="KvmBackupException">It could not be held or read; it was let go all the same.</exception>
    Task<PinOutcome> ReadAsync(IDiskConsumer consumer, TransferMonitor monitor, CancellationToken cancellationToken);

    /// <summary>What was done beyond the ordinary to let it go; known when all is over.</summary>
    IReadOnlyList<string> Notes { get; }

    /// <summary>What a person must mend, asked when all is over.</summary>
    Task<IReadOnlyList<string>> FindTroublesAsync();
}

/// <summary>What becomes of each disk while it is held at one instant: it goes into an archive, or is compared with one.</summary>
public interface IDiskConsumer
{
    /// <summary>Reads one disk, once it is pinned; it may be released as soon as this returns.</summary>
    /// <param name="disk">Which.</param>
    /// <param name="monitor">Told the bytes that are read.</param>
    /// <param name="cancellationToken">Stops promptly: a guest may be waiting on its overlay.</param>
    /// <exception cref="KvmBackupException">It cannot be read.</exception>
    Task TakeAsync(BackupDisk disk, TransferMonitor monitor, CancellationToken cancellationToken);
}
