namespace KvmBackup.Reporting;

/// <summary>What people are told of this host.</summary>
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
                _ => "BAD     ",
            };
            yield return $"{mark}{finding.Subject}: {finding.Text}";
            if (finding.Hint is { } hint)
            {
                yield return $"        -> {hint}";
            }
        }
    }
}
