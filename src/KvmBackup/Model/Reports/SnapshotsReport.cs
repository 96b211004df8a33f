namespace KvmBackup.Model.Reports;

/// <summary>Our snapshots in the clusters of this host's domains and images.</summary>
/// <param name="Verdicts">Each with the name of the backups that it belongs to.</param>
/// <param name="Removed">Names of the snapshots that were removed, or would be.</param>
/// <param name="Failures">What could not be asked or done.</param>
/// <param name="IsDryRun">Nothing was removed.</param>
public sealed record SnapshotsReport(
    IReadOnlyList<(DomainName Domain, SnapshotVerdict Verdict)> Verdicts, IReadOnlyList<string> Removed,
    IReadOnlyList<string> Failures, bool IsDryRun)
{
    /// <summary>Names of the snapshots that earlier runs could not prove to be gone, and later ones remove.</summary>
    public IReadOnlyList<string> PendingDeletions { get; init; } = [];

    /// <summary>How many failed because another run works on the same backups.</summary>
    public int LockedCount { get; init; }

    public ExitCode ExitCode => Failures.Count == 0 ? ExitCode.Done
        : Failures.Count == LockedCount ? ExitCode.AlreadyRunning : ExitCode.Failed;
}
