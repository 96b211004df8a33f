namespace KvmBackup.Reporting;

/// <summary>What people are told of our snapshots below the table of them.</summary>
internal static class SnapshotsText
{
    public static IEnumerable<string> Lines(SnapshotsReport report)
    {
        if (report.Verdicts.Count == 0 && report.Failures.Count == 0)
        {
            yield return "There is no snapshot of ours.";
        }

        foreach (string name in report.Removed)
        {
            yield return $"{(report.IsDryRun ? "would remove" : "removed")} {name}";
        }

        foreach (string name in report.PendingDeletions)
        {
            yield return $"owed: {name} is not proven to be gone; the next run, or kvmbackup recover, removes it when the cluster answers";
        }

        foreach (string failure in report.Failures)
        {
            yield return $"FAILED: {failure}";
        }
    }
}
