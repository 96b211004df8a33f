namespace KvmBackup.Tests.Planning;

/// <summary>Completed backups with the properties that retention uses: instant, kind, guest and protection.</summary>
internal static class RetentionSamples
{
    public static readonly Guid Guest = new("11111111-1111-1111-1111-111111111111");

    public static readonly Guid OtherGuest = new("22222222-2222-2222-2222-222222222222");

    /// <param name="id">As in <c>20261120T020000Z</c>.</param>
    public static CompletedBackup Backup(
        string id, BackupKind kind = BackupKind.Full, bool isProtected = false, Guid? guest = null)
    {
        Assert.True(BackupId.TryParse(id, out BackupId? parsed), id);
        return Backup(parsed!, kind, isProtected, guest ?? Guest);
    }

    public static CompletedBackup Backup(BackupId id, BackupKind kind, bool isProtected, Guid guest)
    {
        ManifestDisk disk = new(new DiskTarget("vda"), kind, VirtualSizeBytes: 1 << 30, Layers: []);
        Manifest manifest = new(
            Manifest.CurrentFormatVersion, "kvmbackup 0.1.0", "cloud1", new DomainName("web1"), guest, id, kind,
            Consistency.Filesystem, ConsistencyReason: null, id.Instant, id.Instant, FrozenFor: null,
            new ManifestArchive("web1.tar.gz", "web1.index", CompressionMethod.Pigz, 1, 1, string.Empty),
            [disk], [], [], [], []);
        return new CompletedBackup($"/mnt/backup/cloud1/web1/{id}-{kind}", manifest, isProtected);
    }

    /// <summary>One backup at 02:00 UTC on each of a number of days up to the given one, the oldest first.</summary>
    public static CompletedBackup[] Nightly(DateOnly lastDay, int count) =>
    [
        .. Enumerable.Range(0, count)
            .Select(number => lastDay.AddDays(number - count + 1).ToDateTime(new TimeOnly(2, 0), DateTimeKind.Utc))
            .Select(instant => Backup(new BackupId(instant), BackupKind.Full, isProtected: false, Guest)),
    ];

    public static string[] Kept(this RetentionDecision decision) =>
        [.. decision.Verdicts.Where(verdict => verdict.IsKept).Select(verdict => $"{verdict.Backup.Id}")];

    public static string[] Reasons(this RetentionDecision decision) =>
        [.. decision.Verdicts.Select(verdict => verdict.Reason)];
}
