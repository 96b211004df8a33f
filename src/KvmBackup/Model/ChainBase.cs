namespace KvmBackup.Model;

/// <summary>What an increment of one disk stands on.</summary>
/// <param name="Kind">Of the increment.</param>
/// <param name="Backup">The backup that it cannot be restored without.</param>
/// <param name="SnapshotName">That backup's snapshot, which is still in the cluster.</param>
public sealed record ChainBase(BackupKind Kind, BackupId Backup, string SnapshotName)
{
    /// <summary>The snapshot's ID, when somebody else had made it, whose names may come again; null for our own.</summary>
    public long? SnapshotId { get; init; }
}
