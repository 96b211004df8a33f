namespace KvmBackup.Model.Backups;

/// <summary>What a backup stands on: nothing, the previous backup, or the last full.</summary>
public enum BackupKind
{
    Full,
    Incremental,
    Differential,
}

/// <summary>What an increment of one disk stands on.</summary>
/// <param name="Kind">Of the increment.</param>
/// <param name="Backup">The backup that it cannot be restored without.</param>
/// <param name="SnapshotName">That backup's snapshot, which is still in the cluster.</param>
public sealed record ChainBase(BackupKind Kind, BackupId Backup, string SnapshotName)
{
    /// <summary>The snapshot's ID, when somebody else had made it, whose names may come again; null for our own.</summary>
    public long? SnapshotId { get; init; }
}

/// <summary>What the copy is worth to the guest's file systems.</summary>
public enum Consistency
{
    /// <summary>The agent froze the guest's file systems.</summary>
    Filesystem,

    /// <summary>The guest ran and was not frozen: as after a power cut.</summary>
    Crash,

    /// <summary>The guest was shut off.</summary>
    Offline,
}

/// <summary>A disk that a backup leaves out, and why.</summary>
public sealed record SkippedDisk(DiskTarget Target, string Reason);
