namespace KvmBackup.Reporting.Json;

/// <summary>A backup that a run made.</summary>
internal sealed record BackupJson(
    string Domain, string Id, string Kind, string[] Bases, string Consistency, string[] Disks, long ContentBytes,
    long ArchiveBytes)
{
    public static BackupJson Of(Manifest manifest) => new(
        manifest.Domain.Value, $"{manifest.Id}", JsonValue.Name(manifest.Kind), JsonValue.Ids(manifest.Bases),
        JsonValue.Name(manifest.Consistency), [.. manifest.Disks.Select(disk => disk.Target.Value)],
        manifest.Members.Sum(member => member.DataBytes), manifest.Archive.SizeBytes);
}

/// <summary>A backup in the backup directory: <see cref="BackupJson"/> and what its directory adds.</summary>
internal sealed record StoredBackupJson(
    string Domain, string Id, string Kind, string[] Bases, string Consistency, string[] Disks, long ContentBytes,
    long ArchiveBytes, bool IsProtected, string Path)
{
    public static StoredBackupJson Of(CompletedBackup backup)
    {
        BackupJson common = BackupJson.Of(backup.Manifest);
        return new(
            backup.Domain.Value, common.Id, common.Kind, common.Bases, common.Consistency, common.Disks,
            common.ContentBytes, common.ArchiveBytes, backup.IsProtected, backup.DirectoryPath);
    }
}

/// <summary>A full backup that replaced an increment.</summary>
internal sealed record MergedBackupJson(string Domain, string Id, string[] MergedFrom)
{
    public static MergedBackupJson[] All(IEnumerable<CompletedBackup> backups) => [.. backups.Select(backup =>
        new MergedBackupJson(backup.Domain.Value, $"{backup.Id}", JsonValue.Ids(backup.Manifest.MergedFrom)))];
}

/// <summary>The decision of retention about one backup.</summary>
internal sealed record RetentionJson(string Domain, string Id, bool IsKept, string Reason)
{
    public static RetentionJson[] All(IEnumerable<RetentionVerdict> verdicts) => [.. verdicts.Select(verdict =>
        new RetentionJson(verdict.Backup.Domain.Value, $"{verdict.Backup.Id}", verdict.IsKept, verdict.Reason))];
}
