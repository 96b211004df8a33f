using KvmBackup.Runs;
using KvmBackup.Runs.Inspect;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Inspect;

/// <summary>A range of bytes of a disk, without the preceding ones.</summary>
public sealed class CatRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly BackupDirectory target;

    public CatRunTests()
    {
        target = new BackupDirectory(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
    }

    [Theory]
    [InlineData("vda", 0, null, 150_000)]
    [InlineData("vda", 3_000, 40_000, 40_000)]
    [InlineData("vda", 149_990, 100, 10)]
    [InlineData("vda", 150_000, null, 0)]
    [InlineData("vdb.raw", 39_000, 500, 500)]
    public async Task Any_range_of_a_disk_or_file_is_read_with_holes_as_zeros(
        string name, int offset, int? length, int expected)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        byte[] whole = (name == "vda" ? RealBackups.Vda : RealBackups.Vdb).ToArray();

        Assert.Equal(whole[offset..(offset + expected)], await CatAsync(name, offset, length));
    }

    [Fact]
    public async Task A_missing_name_is_reported_with_the_existing_ones()
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);

        KvmBackupException name = await Assert.ThrowsAsync<RunsException>(() => CatAsync("vdc", 0, null));
        KvmBackupException place = await Assert.ThrowsAsync<RunsException>(() => CatAsync("vda", 150_001, null));

        Assert.Contains(
            "neither a disk nor a file 'vdc'; it contains the disks vda, vdb and the files domain.xml, "
            + "vda.raw, vdb.raw", name.Message, StringComparison.Ordinal);
        Assert.Contains(
            "vda has 150000 bytes; the offset 150001 is beyond its end", place.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damage_outside_the_range_is_ignored_and_damage_inside_is_reported()
    {
        CompletedBackup backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        string path = Path.Combine(backup.DirectoryPath, "web1.tar.gz");
        byte[] bytes = await File.ReadAllBytesAsync(path);
        bytes[20_000] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);

        Assert.Equal(RealBackups.Vdb.ToArray()[30_000..], await CatAsync("vdb", 30_000, null));
        KvmBackupException failure = await Assert.ThrowsAnyAsync<KvmBackupException>(() => CatAsync("vda", 0, null));

        Assert.Equal(ExitCode.DamageFound, failure.ExitCode);
    }

    public void Dispose() => folder.Dispose();

    private async Task<byte[]> CatAsync(string name, long offset, long? length)
    {
        using MemoryStream output = new();
        await new CatRun(target, Logger.None).RunAsync(
            new CatRequest(RealBackups.Web1, null, name, offset, length), output, CancellationToken.None);
        return output.ToArray();
    }
}
