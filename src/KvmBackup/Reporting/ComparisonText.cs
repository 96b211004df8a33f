namespace KvmBackup.Reporting;

/// <summary>The report of <c>compare</c> as text.</summary>
internal static class ComparisonText
{
    public static IEnumerable<string> Lines(CompareReport report)
    {
        string captured = report.Consistency == Consistency.Offline
            ? "off" : $"captured at one instant ({report.Consistency.ToString().ToLowerInvariant()})";
        string verdict = report.IsSame ? "the same as" : "NOT the same as";
        yield return $"{report.Domain}@{report.Id}: {verdict} {report.Source}, "
            + $"which was {captured}; compared in {Formatting.Seconds(report.Elapsed)}";
        foreach (FileComparison file in report.Files)
        {
            yield return $"  {file.Name}: {Describe(file)}";
            foreach (Extent run in file.Differences)
            {
                yield return $"    {run.LengthBytes} bytes from byte {run.OffsetBytes}";
            }

            if (file.DifferenceCount > file.Differences.Count)
            {
                yield return $"    and {file.DifferenceCount - file.Differences.Count} more places";
            }
        }

        foreach (string note in report.Warnings.Select(warning => $"  warning: {warning}")
            .Concat(report.ManualActions.Select(action => $"  MANUAL ACTION REQUIRED: {action}")))
        {
            yield return note;
        }
    }

    private static string Describe(FileComparison file) => file.Verdict switch
    {
        ComparisonVerdict.Same => $"the same, {ByteSize.Format(file.SourceBytes ?? 0)}",
        ComparisonVerdict.Different =>
            $"DIFFERENT: {Measure(file)}; size {ByteSize.Format(file.SourceBytes ?? 0)}",
        ComparisonVerdict.OtherSize =>
            $"DIFFERENT SIZE: {file.BackupBytes} bytes in the backup, {file.SourceBytes} now; "
            + (file.FirstDifferenceBytes is null
                ? "only zeros beyond the shorter end" : $"different: {Measure(file)}"),
        ComparisonVerdict.OtherForm => $"DIFFERENT FORMAT: {file.Note}; the bytes cannot be compared",
        ComparisonVerdict.Missing => $"MISSING: {file.Note}",
        _ => $"NOT IN THE BACKUP: {file.Note}",
    };

    private static string Measure(FileComparison file) =>
        $"{ByteSize.Format(file.DifferentBytes)} in blocks of 4 KiB, in {file.DifferenceCount} place(s), "
        + $"the first at byte {file.FirstDifferenceBytes}";
}
