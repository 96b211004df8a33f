namespace KvmBackup.Reporting;

/// <summary>What people are told of a backup next to its source.</summary>
internal static class ComparisonText
{
    public static IEnumerable<string> Lines(CompareReport report)
    {
        string held = report.Consistency == Consistency.Offline ? "off" : $"held at one instant ({report.Consistency.ToString().ToLowerInvariant()})";
        yield return $"{report.Domain}@{report.Id}: {(report.IsSame ? "the same as" : "NOT the same as")} {report.Source}, which was {held}; "
            + $"compared in {Formatting.Seconds(report.Elapsed)}";
        foreach (FileComparison file in report.Files)
        {
            yield return $"  {file.Name}: {Describe(file)}";
            foreach (Extent run in file.Differences)
            {
                yield return $"    from byte {run.OffsetBytes} on: {run.LengthBytes} bytes";
            }

            if (file.DifferenceCount > file.Differences.Count)
            {
                yield return $"    and {file.DifferenceCount - file.Differences.Count} more places";
            }
        }

        foreach (string note in report.Warnings.Select(warning => $"  warning: {warning}")
            .Concat(report.Troubles.Select(trouble => $"  NEEDS A PERSON: {trouble}")))
        {
            yield return note;
        }
    }

    private static string Describe(FileComparison file) => file.Verdict switch
    {
        ComparisonVerdict.Same => $"the same, {ByteSize.Format(file.SourceBytes ?? 0)}",
        ComparisonVerdict.Different => $"DIFFERENT: of {ByteSize.Format(file.SourceBytes ?? 0)} {Measure(file)}",
        ComparisonVerdict.OtherSize => $"OF ANOTHER SIZE: {file.BackupBytes} bytes in the backup, {file.SourceBytes} now; "
            + (file.FirstDifferenceBytes is null ? "beyond the shorter end there are only zeros" : Measure(file)),
        ComparisonVerdict.OtherForm => $"OF ANOTHER FORM: {file.Note}; their bytes cannot be compared",
        ComparisonVerdict.Missing => $"MISSING: {file.Note}",
        _ => $"NOT IN THE BACKUP: {file.Note}",
    };

    private static string Measure(FileComparison file) =>
        $"{ByteSize.Format(file.DifferentBytes)} differ, in blocks of 4 KiB, in {file.DifferenceCount} place(s), the first at byte {file.FirstDifferenceBytes}";
}
