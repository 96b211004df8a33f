namespace KvmBackup.Model.Backups;

/// <summary>What a backup depends on: nothing, the previous backup, or the last full backup.</summary>
public enum BackupKind
{
    Full,
    Incremental,
    Differential,
}

/// <summary>The base of an increment of one disk.</summary>
/// <param name="Kind">Kind of the increment.</param>
/// <param name="Backup">The backup that a restore of the increment requires.</param>
/// <param name="SnapshotName">That backup's snapshot, which still exists in the cluster.</param>
public sealed record ChainBase(BackupKind Kind, BackupId Backup, string SnapshotName)
{
    /// <summary>ID of a snapshot made by another program, which may reuse the name; null for our own.</summary>
    public long? SnapshotId { get; init; }
}

/// <summary>The state of the guest's file systems in a backup.</summary>
public enum Consistency
{
    /// <summary>The agent froze the guest's file systems.</summary>
    Filesystem,

    /// <summary>The guest ran and was not frozen: the state after a power cut.</summary>
    Crash,

    /// <summary>The guest was shut off.</summary>
    Offline,
}

/// <summary>A disk that a backup leaves out, with the reason.</summary>
public sealed record SkippedDisk(DiskTarget Target, string Reason);
