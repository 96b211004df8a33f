namespace KvmBackup.Model;

/// <summary>Our snapshots in the clusters of this host's domains.</summary>
/// <param name="Verdicts">Each with the domain's name.</param>
/// <param name="Removed">Names of the snapshots that were removed, or would be.</param>
/// <param name="Failures">What could not be asked or done.</param>
/// <param name="IsDryRun">Nothing was removed.</param>
public sealed record SnapshotsReport(
    IReadOnlyList<(DomainName Domain, SnapshotVerdict Verdict)> Verdicts, IReadOnlyList<string> Removed,
    IReadOnlyList<string> Failures, bool IsDryRun)
{
    public ExitCode ExitCode => Failures.Count > 0 ? ExitCode.Failed : ExitCode.Done;
}
