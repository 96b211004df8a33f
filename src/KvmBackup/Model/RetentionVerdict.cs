namespace KvmBackup.Model;

/// <summary>What happens to one backup, and why.</summary>
public sealed record RetentionVerdict(CompletedBackup Backup, bool IsKept, string Reason);
