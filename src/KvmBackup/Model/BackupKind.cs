namespace KvmBackup.Model;

/// <summary>What a backup stands on: nothing, the previous backup, or the last full.</summary>
public enum BackupKind
{
    Full,
    Incremental,
    Differential,
}
