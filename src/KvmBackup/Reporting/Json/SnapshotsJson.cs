namespace KvmBackup.Reporting.Json;

/// <summary>The report of <c>snapshots list</c>, <c>trim</c> and <c>reset</c>.</summary>
internal sealed record SnapshotsJson(
    bool IsDryRun, SnapshotJson[] Snapshots, IReadOnlyList<string> Removed, IReadOnlyList<string> Pending,
    MessageJson[] Failures) : ReportJson
{
    public static SnapshotsJson Of(SnapshotsReport report) => new(
        report.IsDryRun, [.. report.Verdicts.Select(entry => SnapshotJson.Of(entry.Domain, entry.Verdict))],
        report.Removed, report.PendingDeletions, MessageJson.All(report.Failures));
}

/// <summary>A snapshot of ours in a Ceph cluster.</summary>
internal sealed record SnapshotJson(
    string Domain, string Disk, string Image, string Name, bool IsProtected, string Disposition, string Reason)
{
    public static SnapshotJson Of(DomainName domain, SnapshotVerdict verdict) => new(
        domain.Value, verdict.Disk.Value, verdict.Image.Spec, verdict.Snapshot.Name, verdict.Snapshot.IsProtected,
        JsonValue.Name(verdict.Disposition), verdict.Reason);
}
