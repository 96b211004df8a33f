using KvmBackup.Configuration;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Images;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Capture;

public sealed class TargetSpaceTests
{
    private static readonly RbdImage Image = RbdImage.Parse("rbd/a");

    [Fact]
    public void A_first_backup_requires_a_third_of_the_image_s_data() =>
        Assert.Equal(33_000, Estimate(BackupKind.Full));

    [Fact]
    public void The_required_space_is_that_of_the_last_backup_of_the_same_kind()
    {
        CompletedBackup[] own =
            [Made(BackupKind.Incremental, 7), Made(BackupKind.Full, 500), Made(BackupKind.Incremental, 9),
                Made(BackupKind.Full, 900)];

        Assert.Equal(500, Estimate(BackupKind.Full, own));
        Assert.Equal(7, Estimate(BackupKind.Incremental, own));
    }

    [Fact]
    public void A_first_increment_is_not_refused_for_the_size_of_its_full_one() =>
        Assert.Equal(0, Estimate(BackupKind.Incremental, Made(BackupKind.Full, 500)));

    private static CompletedBackup Made(BackupKind kind, long bytes) =>
        new("/backup/x", ManifestSamples.Create(kind: kind, archiveBytes: bytes), IsProtected: false);

    private static long Estimate(BackupKind kind, params CompletedBackup[] own)
    {
        HostSettings host = ConfigurationReader.Parse(
            "cloud1: {backupdir: /mnt, day_of_week: daily, images: {all: {pool: rbd, rotate: 1}}}", "config.yml",
            "cloud1");
        RbdSource source = new(Image, [], null, null);
        ChainBase? below = kind == BackupKind.Full ? null : new ChainBase(kind, Web1.Id, "s1");
        BackupImage taken = new(
            source, new RbdLocation(Image, RbdAccess.Default),
            new RbdImageFacts("1", 1 << 20, 4 << 20, true, true, null, null), "s2", below)
        {
            DataBytes = below is null ? 100_000 : 0,
        };
        DiskFacts disk = new(ImageIdentity.Disk, "disk", DiskSourceType.Network, null, "raw", false, false, null);
        return TargetSpace.Estimate(
            new ImageJob(host.Images[0], new DomainIdentity(ImageIdentity.NameOf(Image), Web1.Uuid),
                new BackupDisk(disk, []) { Image = taken }, []),
            own);
    }
}
