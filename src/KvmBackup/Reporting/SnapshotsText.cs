namespace KvmBackup.Reporting;

/// <summary>The lines below the table of snapshots.</summary>
internal static class SnapshotsText
{
    public static IEnumerable<string> Lines(SnapshotsReport report)
    {
        if (report.Verdicts.Count == 0 && report.Failures.Count == 0)
        {
            yield return "There is no snapshot of kvmbackup.";
        }

        foreach (string name in report.Removed)
        {
            yield return $"{(report.IsDryRun ? "would remove" : "removed")} {name}";
        }

        foreach (string name in report.PendingDeletions)
        {
            yield return $"pending: the deletion of {name} is not confirmed. "
                + "The next run, or kvmbackup recover, repeats it";
        }

        foreach (string failure in report.Failures)
        {
            yield return $"FAILED: {failure}";
        }
    }
}
