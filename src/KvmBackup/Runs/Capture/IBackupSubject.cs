using KvmBackup.Configuration;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Capture;

/// <summary>A domain or an image without a domain, as the workflow of a backup or comparison uses it.</summary>
public interface IBackupSubject
{
    /// <summary>The name under which its backups are stored.</summary>
    DomainName Name { get; }

    BackupSettings Settings { get; }

    /// <summary>What an interruption before the capture leaves unchanged: a clause of a sentence.</summary>
    string UnchangedClause { get; }

    /// <summary>Inspects it and decides what is read. Changes nothing.</summary>
    /// <param name="existing">Its backups.</param>
    /// <param name="id">The ID of the new backup.</param>
    /// <param name="cancellationToken">Cancels the inspection.</param>
    /// <exception cref="KvmBackupException">It cannot be backed up now.</exception>
    Task<CapturePlan> PrepareAsync(BackupCatalogue existing, BackupId id, CancellationToken cancellationToken);
}

/// <summary>A subject at one point in time while it is read.</summary>
public interface ICapture
{
    /// <summary>False when something is left that only recovery or a person can fix; the journal's entry must
    /// stay.</summary>
    bool IsClean { get; }

    /// <summary>Asks in advance what is required before the snapshot, so that other preparations run at the same time.
    /// Changes nothing; <see cref="ReadAsync"/> does it when this was not called.</summary>
    /// <exception cref="KvmBackupException">No snapshot may be taken.</exception>
    Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>Takes the snapshot, reads each disk once, and releases the disks.</summary>
    /// <param name="consumer">Gets each disk while it is captured.</param>
    /// <param name="monitor">Gets the progress.</param>
    /// <param name="cancellationToken">Ends the read; the disks are released in any case.</param>
    /// <returns>The consistency that was achieved.</returns>
    /// <exception cref="KvmBackupException">The snapshot or the read failed; the disks were released.</exception>
    Task<PinOutcome> ReadAsync(IDiskConsumer consumer, TransferMonitor monitor, CancellationToken cancellationToken);

    /// <summary>Unusual steps that the release took; complete after the read.</summary>
    IReadOnlyList<string> Notes { get; }

    /// <summary>The problems that require manual action; to be asked after the read.</summary>
    Task<IReadOnlyList<string>> FindProblemsAsync();
}

/// <summary>Reads each captured disk: into an archive, or to compare it with one.</summary>
public interface IDiskConsumer
{
    /// <summary>Reads one disk. The disk may be released when this returns.</summary>
    /// <param name="monitor">Gets the number of bytes read.</param>
    /// <param name="cancellationToken">Stops promptly: a guest may be waiting on its overlay.</param>
    /// <exception cref="KvmBackupException">It cannot be read.</exception>
    Task ReadAsync(BackupDisk disk, TransferMonitor monitor, CancellationToken cancellationToken);
}
