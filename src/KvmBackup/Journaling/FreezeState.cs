namespace KvmBackup.Journaling;

/// <summary>Whether the guest's file systems may be frozen by us.</summary>
public enum FreezeState
{
    /// <summary>We never asked for it.</summary>
    None,

    /// <summary>We were about to ask, or have asked: thaw.</summary>
    Freezing,

    /// <summary>The agent said that they are thawed.</summary>
    Thawed,
}
