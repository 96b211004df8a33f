namespace KvmBackup.Reporting.Json;

/// <summary>The report of <c>show</c>; with <c>--files</c> it has all files of the archive.</summary>
internal sealed record ShowJson(StoredBackupJson Backup, BackupDetailsJson Details, MemberJson[]? Files) : ReportJson
{
    public static ShowJson Of(CompletedBackup backup, bool withFiles) => new(
        StoredBackupJson.Of(backup), BackupDetailsJson.Of(backup.Manifest),
        withFiles ? [.. backup.Manifest.Members.Select(MemberJson.Of)] : null);
}

/// <summary>What the manifest of a backup holds besides <see cref="StoredBackupJson"/>.</summary>
internal sealed record BackupDetailsJson(
    string DomainUuid, string Host, string Program, string StartedAt, string FinishedAt, string? ConsistencyReason,
    double? FrozenSeconds, string Compression, string Archive, string ArchiveSha256, DiskFileJson[] DiskFiles,
    SkippedDiskJson[] SkippedDisks, string[] MergedFrom, IReadOnlyList<string> Warnings, string[] Snapshots,
    HostObjectJson[] Definitions, HostObjectJson[] HostResources)
{
    public static BackupDetailsJson Of(Manifest manifest) => new(
        $"{manifest.DomainUuid}", manifest.Host, manifest.Program, JsonValue.Time(manifest.StartedAt),
        JsonValue.Time(manifest.FinishedAt), manifest.ConsistencyReason, manifest.FrozenFor?.TotalSeconds,
        JsonValue.Name(manifest.Archive.Compression), manifest.Archive.FileName, manifest.Archive.Sha256,
        [.. manifest.Disks.SelectMany(disk => disk.Layers.Select(layer => DiskFileJson.Of(disk, layer)))],
        [.. manifest.SkippedDisks.Select(disk => new SkippedDiskJson(disk.Target.Value, disk.Reason))],
        JsonValue.Ids(manifest.MergedFrom), manifest.Warnings,
        [.. manifest.Snapshots.Select(snapshot => snapshot.Name)],
        [.. manifest.Definitions.Select(one => new HostObjectJson(JsonValue.Name(one.Kind), one.Name, one.Member))],
        [.. manifest.HostResources.Select(one => new HostObjectJson(JsonValue.Name(one.Kind), one.Name, null))]);
}

/// <summary>A file of a disk in the archive.</summary>
internal sealed record DiskFileJson(
    string Disk, string File, string Format, long SizeBytes, long VirtualSizeBytes, string ContentXxh128, string Source)
{
    public static DiskFileJson Of(ManifestDisk disk, ManifestLayer layer) => new(
        disk.Target.Value, layer.FileName, layer.Format, layer.SizeBytes, disk.VirtualSizeBytes, layer.Xxh128,
        layer.SourcePath);
}

/// <summary>An object of libvirt, with the file of its definition, or a resource of the host.</summary>
internal sealed record HostObjectJson(string Kind, string Name, string? File);

/// <summary>A disk that was not backed up.</summary>
internal sealed record SkippedDiskJson(string Disk, string Reason);

/// <summary>A file of the archive.</summary>
internal sealed record MemberJson(
    string Name, long SizeBytes, long DataBytes, long DataOffsetBytes, string ContentXxh128)
{
    public static MemberJson Of(ArchiveMember member) => new(
        member.Name, member.SizeBytes, member.DataBytes, member.DataOffsetBytes, member.ContentXxh128);
}
