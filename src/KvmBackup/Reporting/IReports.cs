namespace KvmBackup.Reporting;

/// <summary>Prints the reports of commands.</summary>
public interface IReports
{
    void Print(RunReport report);

    void Print(ListReport report);

    /// <param name="withFiles">Also print each file of the archive.</param>
    void Print(CompletedBackup backup, bool withFiles);

    void Print(VerifyReport report);

    void Print(RestoreReport report, bool isDryRun);

    void Print(SalvageReport report);

    void Print(PruneReport report);

    void Print(CheckReport report);

    void Print(RecoveryReport report);

    void Print(SnapshotsReport report);

    void Print(CompareReport report);

    /// <summary>Prints a failure in the place of a report.</summary>
    void PrintError(string message, ExitCode exitCode);
}
