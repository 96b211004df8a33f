namespace KvmBackup.Tests.Support;

/// <summary>Manifests with a value in every field.</summary>
public static class ManifestSamples
{
    public static readonly BackupId Id = new(new DateTimeOffset(2026, 11, 20, 2, 0, 0, TimeSpan.Zero));

    public static Manifest Create(
        string domain = "web1", BackupId? id = null, BackupKind kind = BackupKind.Full, long archiveBytes = 7)
    {
        DomainName name = new(domain);
        return new Manifest(
            Manifest.CurrentFormatVersion,
            "kvmbackup 0.1.0",
            "cloud1",
            name,
            Guid.Parse("5b4f6f0e-6a2f-4a53-9f0e-0123456789ab"),
            id ?? Id,
            kind,
            Consistency.Crash,
            "the agent did not answer",
            new DateTimeOffset(2026, 11, 20, 2, 0, 1, TimeSpan.Zero).AddTicks(1234567),
            new DateTimeOffset(2026, 11, 20, 3, 0, 2, TimeSpan.FromHours(1)),
            TimeSpan.FromTicks(841234),
            new ManifestArchive(
                $"{name.FileName}.tar.gz", "index.bin", CompressionMethod.Pigz, archiveBytes, 900_000, Sha256('a')),
            [new ManifestDisk(new DiskTarget("vda"), kind, 10L << 30,
                [new ManifestLayer("vda.qcow2", "qcow2", "/images/wéb 1.qcow2", false, Sum('b'), 500_000)])],
            [new SkippedDisk(new DiskTarget("sda"), "a cdrom holds nothing of the guest's")],
            [new AuxiliaryFile("nvram.fd", "/var/lib/nvram/web1.fd")],
            [
                new ArchiveMember($"{name.FileName}/domain.xml", 10, 0, 512, [new Extent(0, 10)], Sum('c')),
                new ArchiveMember(
                    $"{name.FileName}/vda.qcow2", 500_000, 1024, 2048, [new Extent(0, 65536), new Extent(131072, 4096)],
                    Sum('b')),
            ],
            ["the overlay grew \"fast\""]);
    }

    /// <summary>A sample content checksum.</summary>
    public static string Sum(char digit) => new(digit, 32);

    public static string Sha256(char digit) => new(digit, 64);
}
