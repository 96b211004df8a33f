using KvmBackup.Runs;
using KvmBackup.Runs.Inspect;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Inspect;

/// <summary>Bytes of a disk, without what lies before them.</summary>
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
    public async Task Any_run_of_a_disk_or_file_comes_with_its_holes_as_zeros(string name, int offset, int? length, int expected)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        byte[] whole = (name == "vda" ? RealBackups.Vda : RealBackups.Vdb).ToArray();

        Assert.Equal(whole[offset..(offset + expected)], await CatAsync(name, offset, length));
    }

    [Fact]
    public async Task What_is_not_there_is_told_with_what_is()
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);

        KvmBackupException name = await Assert.ThrowsAsync<RunsException>(() => CatAsync("vdc", 0, null));
        KvmBackupException place = await Assert.ThrowsAsync<RunsException>(() => CatAsync("vda", 150_001, null));

        Assert.Contains("neither a disk nor a file 'vdc'; it holds the disks vda, vdb and the files domain.xml, vda.raw, vdb.raw", name.Message, StringComparison.Ordinal);
        Assert.Contains("vda has 150000 bytes; none lies at 150001", place.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damage_elsewhere_does_not_matter_and_damage_there_is_told()
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
