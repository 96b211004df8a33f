namespace KvmBackup.Reporting;

/// <summary>The report of <c>verify</c> as text.</summary>
internal static class VerifyText
{
    public static IEnumerable<string> Lines(VerifyReport report)
    {
        foreach (VerifyResult result in report.Results)
        {
            string name = $"{result.Backup.Domain}@{result.Backup.Id}";
            long content = result.Backup.Manifest.Members.Sum(member => member.DataBytes);
            string proven = Formatting.Verified(report.Depth, content, result.Backup.Manifest.Archive.SizeBytes);
            yield return result.Damages.Count == 0
                ? $"{name}: {proven} in {Formatting.Seconds(result.Elapsed)}"
                : $"{name}: DAMAGED in {result.Damages.Count} place(s):";
            foreach (ArchiveDamage damage in result.Damages)
            {
                string place = damage.OffsetBytes is { } offset ? $", byte {offset}" : string.Empty;
                yield return $"  {damage.File}{place}: {damage.Reason}"
                    + (damage.Members.Count > 0 ? $"; affects {string.Join(", ", damage.Members)}" : string.Empty);
            }
        }

        if (report.Results.Count == 0)
        {
            yield return "FAILED: no backup was found";
        }
    }
}
