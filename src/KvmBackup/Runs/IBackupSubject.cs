using KvmBackup.Configuration;
using KvmBackup.Journaling;
using KvmBackup.Model;
using KvmBackup.Storage;

namespace KvmBackup.Runs;

/// <summary>What a backup is of, as <see cref="BackupCourse"/> needs it: how it is looked at, written down and held.</summary>
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
    IHeldSource Hold(TJob job, BackupId id, OpenEntry entry, PinnedImages images);
}
