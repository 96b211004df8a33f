namespace KvmBackup.Journaling;

/// <summary>
/// The steps of the sacred order, in their order. An entry bears the last one that was begun or reached; a gerund is
/// written before the change, so that after a crash it may have happened or not.
/// </summary>
public enum JobStep
{
    /// <summary>What is planned is on disk; nothing has changed.</summary>
    Intent,
    Freezing,
    Frozen,
    Pinning,
    Pinned,
    Thawing,
    Thawed,
    Reading,

    /// <summary>At least one disk goes back to its base; each pin tells its own state.</summary>
    Releasing,
    Released,
    Publishing,

    /// <summary>It is a backup; only the entry itself is left to close.</summary>
    Published,
}
