namespace KvmBackup.Reporting;

/// <summary>The report of <c>check</c> as text.</summary>
internal static class CheckText
{
    public static IEnumerable<string> Lines(CheckReport report)
    {
        foreach (Finding finding in report.Findings)
        {
            string mark = finding.Severity switch
            {
                FindingSeverity.Good => "ok      ",
                FindingSeverity.Warning => "warning ",
                _ => "ERROR   ",
            };
            yield return $"{mark}{finding.Subject}: {finding.Text}";
            if (finding.Hint is { } hint)
            {
                yield return $"        -> {hint}";
            }
        }
    }
}
