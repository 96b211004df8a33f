namespace KvmBackup.Model.Policy;

/// <summary>The weekdays on which a domain is due.</summary>
public sealed record Schedule(IReadOnlyList<DayOfWeek> Days);

/// <summary>How much the operator wants the guest frozen.</summary>
public enum QuiesceMode
{
    /// <summary>Freeze when the agent can; otherwise go on, and say so.</summary>
    Try,

    /// <summary>No backup without a freeze.</summary>
    Require,

    /// <summary>Do not ask the agent.</summary>
    Off,
}

/// <summary>When a disk that can be backed up by increments gets a new full one.</summary>
/// <param name="Points">A chain has at most so many backups, the full one included; null is no limit.</param>
/// <param name="Age">The full one grows no older than this; null is no limit.</param>
/// <param name="IsDifferential">Each increment stands on the full one, rather than on the previous backup.</param>
public sealed record ChainPolicy(int? Points, TimeSpan? Age, bool IsDifferential)
{
    /// <summary>The oldest increments are merged into their full backup when retention lets that go.</summary>
    public bool IsMerging { get; init; }
}
