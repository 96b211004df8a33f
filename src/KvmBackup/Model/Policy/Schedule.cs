namespace KvmBackup.Model.Policy;

/// <summary>The weekdays on which a domain is due.</summary>
public sealed record Schedule(IReadOnlyList<DayOfWeek> Days);

/// <summary>Whether a backup freezes the guest.</summary>
public enum QuiesceMode
{
    /// <summary>Freeze when the agent can; otherwise continue and report it.</summary>
    Try,

    /// <summary>No backup without a freeze.</summary>
    Require,

    /// <summary>Do not use the agent.</summary>
    Off,
}

/// <summary>When a disk with increments gets a new full backup.</summary>
/// <param name="Points">Highest number of backups in a chain, the full one included; null is unlimited.</param>
/// <param name="Age">Highest age of the full backup; null is unlimited.</param>
/// <param name="IsDifferential">Each increment depends on the full backup, not on the previous backup.</param>
public sealed record ChainPolicy(int? Points, TimeSpan? Age, bool IsDifferential)
{
    /// <summary>The oldest increments are merged into their full backup when retention releases it.</summary>
    public bool IsMerging { get; init; }
}
