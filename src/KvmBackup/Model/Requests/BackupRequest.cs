namespace KvmBackup.Model.Requests;

/// <summary>What an operator or cron asks a backup run for.</summary>
/// <param name="OnlyDomains">These alone; null is all of the configuration.</param>
/// <param name="Force">Whatever the weekday.</param>
/// <param name="IsDryRun">Print each command that would change something, and run none.</param>
/// <param name="Wait">How long to wait for another run to end.</param>
public sealed record BackupRequest(IReadOnlyList<string>? OnlyDomains, bool Force, bool IsDryRun, TimeSpan Wait);

/// <summary>What an operator wants of our snapshots in a cluster.</summary>
public enum SnapshotAction
{
    /// <summary>To see them.</summary>
    List,

    /// <summary>To have those removed that nothing needs.</summary>
    Trim,

    /// <summary>To have all removed: the next backup is a full one.</summary>
    Reset,
}
