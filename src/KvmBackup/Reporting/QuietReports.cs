namespace KvmBackup.Reporting;

/// <summary>Prints only what requires attention: for cron, which mails all output.</summary>
/// <param name="all">Prints the rest of a report.</param>
/// <param name="output">Standard output.</param>
public sealed class QuietReports(IReports all, TextWriter output) : IReports
{
    public void Print(RunReport report)
    {
        RunReport left = report with { Jobs = [.. report.Jobs.Where(NeedsAttention)] };
        if (left.Jobs.Count > 0)
        {
            all.Print(left);
        }
        else
        {
            Print(left.Recovery);
        }
    }

    public void Print(ListReport report) => WriteAll("not a usable backup: ", report.Unusable);

    public void Print(CompletedBackup backup, bool withFiles) => WriteAll("warning: ", backup.Manifest.Warnings);

    public void Print(VerifyReport report)
    {
        VerifyReport left = report with { Results = [.. report.Results.Where(result => result.Damages.Count > 0)] };
        if (left.Results.Count + left.Unusable.Count > 0)
        {
            all.Print(left);
        }
    }

    public void Print(RestoreReport report, bool isDryRun) => WriteAll("warning: ", report.Warnings);

    public void Print(SalvageReport report)
    {
        if (report.ExitCode != ExitCode.Done)
        {
            all.Print(report);
        }
    }

    public void Print(PruneReport report) => WriteAll("FAILED: ", report.Failures);

    public void Print(CheckReport report) =>
        all.Print(new CheckReport([.. report.Findings.Where(finding => finding.Severity != FindingSeverity.Good)]));

    public void Print(RecoveryReport report)
    {
        if (report.Domains.Count > 0)
        {
            all.Print(report);
        }
    }

    public void Print(SnapshotsReport report)
    {
        SnapshotsReport left = report with { Verdicts = [], Removed = [] };
        if (left.PendingDeletions.Count + left.Failures.Count > 0)
        {
            all.Print(left);
        }
    }

    public void Print(CompareReport report)
    {
        if (report.ExitCode != ExitCode.Done || report.Warnings.Count > 0 || report.Recovery.Domains.Count > 0)
        {
            all.Print(report);
        }
    }

    public void PrintError(string message, ExitCode exitCode) => all.PrintError(message, exitCode);

    private static bool NeedsAttention(JobReport job) =>
        job.Outcome is JobOutcome.Failed or JobOutcome.NeedsManualAction || job.Warnings.Count > 0;

    private void WriteAll(string prefix, IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            output.WriteLine(prefix + PlainText.Line(line));
        }
    }
}
