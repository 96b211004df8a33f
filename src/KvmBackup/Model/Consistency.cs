namespace KvmBackup.Model;

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
