namespace KvmBackup.Model;

/// <summary>What happens to one backup, and why.</summary>
public sealed record RetentionVerdict(CompletedBackup Backup, bool IsKept, string Reason)
{
    /// <summary>The backup that cannot be restored without this one, which nothing else keeps; null otherwise.</summary>
    public BackupId? NeededBy { get; init; }
}
