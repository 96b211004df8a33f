namespace KvmBackup.Reporting.Json;

/// <summary>The report of <c>verify</c>.</summary>
internal sealed record VerifyJson(
    double ShareRead, bool IsUnpacked, VerifiedBackupJson[] Results, MessageJson[] Unusable) : ReportJson
{
    public static VerifyJson Of(VerifyReport report) => new(
        report.Depth.Share, report.Depth.Unpacks, [.. report.Results.Select(VerifiedBackupJson.Of)],
        MessageJson.All(report.Unusable));
}

/// <summary>A backup that was verified.</summary>
internal sealed record VerifiedBackupJson(
    string Domain, string Id, bool IsIntact, double ElapsedSeconds, DamageJson[] Damages)
{
    public static VerifiedBackupJson Of(VerifyResult result) => new(
        result.Backup.Domain.Value, $"{result.Backup.Id}", result.Damages.Count == 0, result.Elapsed.TotalSeconds,
        [.. result.Damages.Select(DamageJson.Of)]);
}

/// <summary>A damaged place of a backup.</summary>
internal sealed record DamageJson(string File, long? OffsetBytes, IReadOnlyList<string> Members, string Reason)
{
    public static DamageJson Of(ArchiveDamage damage) =>
        new(damage.File, damage.OffsetBytes, damage.Members, damage.Reason);
}
