namespace KvmBackup.Model.Requests;

/// <summary>The request for a backup run.</summary>
/// <param name="OnlyDomains">The names to back up; null is all in the configuration.</param>
/// <param name="Force">Ignore the schedule.</param>
/// <param name="IsDryRun">Print each command that would change something, and run none.</param>
/// <param name="Wait">The longest wait for another run to end.</param>
public sealed record BackupRequest(IReadOnlyList<string>? OnlyDomains, bool Force, bool IsDryRun, TimeSpan Wait)
{
    /// <summary>A name may be that of a domain that the configuration does not select.</summary>
    public bool AllowsUnlisted { get; init; }
}

/// <summary>The action of the snapshots command.</summary>
public enum SnapshotAction
{
    /// <summary>List our snapshots.</summary>
    List,

    /// <summary>Remove those that are not needed.</summary>
    Trim,

    /// <summary>Remove all: the next backup is full.</summary>
    Reset,
}
