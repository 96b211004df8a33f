namespace KvmBackup.Model;

/// <summary>How bad a finding is.</summary>
public enum FindingSeverity
{
    Good,

    /// <summary>Backups work, but less well than they could.</summary>
    Warning,

    /// <summary>Backups fail.</summary>
    Bad,
}
