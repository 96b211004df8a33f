using KvmBackup.Configuration;
using KvmBackup.Runs;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Images;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Capture;

public sealed class TargetSpaceTests
{
    private static readonly RbdImage Image = RbdImage.Parse("rbd/a");

    [Theory]
    [InlineData(
        "pigz", 33_000,
        "no earlier backup of this kind is compressed with pigz, and 97.7 KiB of data may shrink to a third")]
    [InlineData("none", 100_000, "97.7 KiB of data are stored without compression")]
    public void A_first_backup_is_estimated_by_what_the_image_holds(string compression, long expected, string basis) =>
        Assert.Equal((expected, basis), TargetSpace.Estimate(Job(BackupKind.Full, 100_000, compression), []));

    [Fact]
    public void A_full_backup_is_estimated_by_the_last_full_one() => Assert.Equal(
        (500, "the full backup 20261120T020000Z took 500 B"),
        TargetSpace.Estimate(
            Job(BackupKind.Full, 100_000),
            [Made(BackupKind.Incremental, 7), Made(BackupKind.Full, 500), Made(BackupKind.Full, 900)]));

    [Fact]
    public void An_increment_is_estimated_by_the_increments_of_a_week_without_the_busiest_night()
    {
        CompletedBackup[] own =
        [
            Made(BackupKind.Incremental, 7), Made(BackupKind.Incremental, 5000),
            Made(BackupKind.Full, 900), Made(BackupKind.Incremental, 9),
            .. Enumerable.Repeat(Made(BackupKind.Incremental, 8), 4),
            .. Enumerable.Repeat(Made(BackupKind.Incremental, 7000), 90),
        ];

        Assert.Equal(
            (8, "most of the last 7 increments took no more than 8 B"),
            TargetSpace.Estimate(Job(BackupKind.Incremental, 0), own));
        Assert.Equal(
            (7, "the last increment took 7 B"), TargetSpace.Estimate(Job(BackupKind.Incremental, 0), own[..1]));
    }

    [Fact]
    public void A_backup_with_another_compression_is_not_used_for_the_estimate()
    {
        CompletedBackup[] own = [Made(BackupKind.Full, 500), Made(BackupKind.Incremental, 7)];

        Assert.Equal(33_000, TargetSpace.Estimate(Job(BackupKind.Full, 100_000, "zstd"), own).ExpectedBytes);
        Assert.Equal(
            (100, "100 B of changed data are stored without compression"),
            TargetSpace.Estimate(Job(BackupKind.Incremental, 100, "none"), own));
    }

    [Fact]
    public void A_first_increment_is_estimated_by_what_changed_and_not_by_its_full_one() => Assert.Equal(
        33_000, TargetSpace.Estimate(Job(BackupKind.Incremental, 100_000), [Made(BackupKind.Full, 500)]).ExpectedBytes);

    [Theory]
    [InlineData(1_000_000, "pigz", 33_500)]
    [InlineData(100_000, "pigz", 500)]
    [InlineData(100_000, "none", 100_000)]
    public void A_guest_is_estimated_by_the_size_and_the_growth_of_its_files(
        long dataBytes, string compression, long expected)
    {
        // The archive of the last one held 900,000 bytes before compression.
        DomainJob job = Files(dataBytes, compression);
        CompletedBackup[] own = [Made(BackupKind.Full, 500), Made(BackupKind.Full, 500, CompressionMethod.None)];

        Assert.Equal(expected, TargetSpace.Estimate(job, own).ExpectedBytes);
    }

    [Theory]
    [InlineData(0, 64L << 20), InlineData(640L << 20, 64L << 20), InlineData(1L << 40, (1L << 40) / 10)]
    public void The_margin_is_a_tenth_and_at_least_64_MiB(long expected, long margin) =>
        Assert.Equal(margin, TargetSpace.MarginOf(expected));

    [Fact]
    public void A_refusal_states_what_is_needed_what_is_free_and_why()
    {
        using TemporaryFolder folder = new();
        BackupDirectory target = new(folder.DirectoryPath, TimeProvider.System);
        long free = target.AvailableBytes;

        TargetSpace.Demand(
            target, Job(BackupKind.Full, 1), [Made(BackupKind.Full, Math.Max(0, (free / 2) - (64 << 20)))]);
        RunsException failure = Assert.Throws<RunsException>(
            () => TargetSpace.Demand(target, Job(BackupKind.Full, 1), [Made(BackupKind.Full, 10L << 50)]));

        Assert.StartsWith($"{folder.DirectoryPath} has ", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith(
            " left and this backup needs about 11.0 PiB: the full backup 20261120T020000Z took 10.0 PiB, "
            + "so 10.0 PiB are expected, and 1.00 PiB are the margin; free space, "
            + "keep fewer backups (rotate, then kvmbackup prune) or choose a stronger compression",
            failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Free_space_for_the_backup_without_the_margin_is_too_little()
    {
        using TemporaryFolder folder = new();
        BackupDirectory target = new(folder.DirectoryPath, TimeProvider.System);

        _ = Assert.Throws<RunsException>(
            () => TargetSpace.Demand(
                target, Job(BackupKind.Full, 1), [Made(BackupKind.Full, (long)(target.AvailableBytes * 0.95))]));
    }

    private static CompletedBackup Made(BackupKind kind, long bytes, CompressionMethod method = CompressionMethod.Pigz)
    {
        Manifest manifest = ManifestSamples.Create(kind: kind, archiveBytes: bytes);
        return new(
            "/backup/x", manifest with { Archive = manifest.Archive with { Compression = method } },
            IsProtected: false);
    }

    private static ImageJob Job(BackupKind kind, long dataBytes, string compression = "pigz")
    {
        HostSettings host = ConfigurationReader.Parse(
            $"cloud1: {{backupdir: /mnt, day_of_week: daily, compression: {compression}, "
            + "images: {all: {pool: rbd, rotate: 1}}}",
            "config.yml", "cloud1");
        RbdSource source = new(Image, [], null, null);
        ChainBase? below = kind == BackupKind.Full ? null : new ChainBase(kind, Web1.Id, "s1");
        BackupImage taken = new(
            source, new RbdLocation(Image, RbdAccess.Default),
            new RbdImageFacts("1", 1 << 20, 4 << 20, true, true, null, null), "s2", below)
        {
            DataBytes = dataBytes,
        };
        DiskFacts disk = new(ImageIdentity.Disk, "disk", DiskSourceType.Network, null, "raw", false, false, null);
        return new ImageJob(
            host.Images[0], new DomainIdentity(ImageIdentity.NameOf(Image), Web1.Uuid),
            new BackupDisk(disk, []) { Image = taken }, []);
    }

    private static DomainJob Files(long dataBytes, string compression)
    {
        HostSettings host = ConfigurationReader.Parse(
            $"cloud1: {{backupdir: /mnt, day_of_week: daily, rotate: 2, compression: {compression}, "
            + "domains: {web1: {}}}",
            "config.yml", "cloud1");
        return new DomainJob(host.Domains[0], null!, [], [], [], dataBytes, []);
    }
}
