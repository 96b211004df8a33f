namespace KvmBackup.Model.Reports;

/// <summary>The report of our snapshots in the clusters of this host's domains and images.</summary>
/// <param name="Verdicts">Each with the name of its domain or image.</param>
/// <param name="Removed">Names of the removed snapshots; in a dry run, of those to remove.</param>
/// <param name="Failures">Failed queries and actions.</param>
/// <param name="IsDryRun">Nothing was removed.</param>
public sealed record SnapshotsReport(
    IReadOnlyList<(DomainName Domain, SnapshotVerdict Verdict)> Verdicts, IReadOnlyList<string> Removed,
    IReadOnlyList<string> Failures, bool IsDryRun)
{
    /// <summary>Names of snapshots whose deletion is not confirmed yet; later runs delete them.</summary>
    public IReadOnlyList<string> PendingDeletions { get; init; } = [];

    /// <summary>Number of failures caused by another run on the same backups.</summary>
    public int LockedCount { get; init; }

    public ExitCode ExitCode => Failures.Count == 0 ? ExitCode.Done
        : Failures.Count == LockedCount ? ExitCode.AlreadyRunning : ExitCode.Failed;
}
