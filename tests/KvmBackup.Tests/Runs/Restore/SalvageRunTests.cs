using System.Collections.Concurrent;
using KvmBackup.Storage;
using KvmBackup.Tests.Archiving;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Restore;

/// <summary>The readable parts of a backup with any damage, and the list of lost parts.</summary>
public sealed class SalvageRunTests : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();
    private readonly BackupDirectory target;
    private CompletedBackup backup = null!;

    public SalvageRunTests()
    {
        target = new BackupDirectory(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
    }

    private string ArchivePath => Path.Combine(backup.DirectoryPath, "web1.tar.gz");

    private string IndexPath => Path.Combine(backup.DirectoryPath, "web1.tar.gz.index");

    public async Task InitializeAsync() => backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);

    public Task DisposeAsync()
    {
        folder.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Salvage_of_an_intact_backup_is_complete()
    {
        SalvageReport report = await SalvageAsync("whole");

        Assert.Equal(ExitCode.Done, report.ExitCode);
        Assert.Equal(["web1-domain.xml", "web1-vda.raw", "web1-vdb.raw"], report.Files
            .Select(file => Path.GetFileName(file.FilePath)));
        Assert.Equal("<domain/>", File.ReadAllText(report.Files[0].FilePath));
        Assert.Equal(RealBackups.Vda.ToArray(), File.ReadAllBytes(report.Files[1].FilePath));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Everything_before_a_truncation_is_salvaged_and_the_rest_is_listed(bool isIndexLost)
    {
        byte[] whole = await File.ReadAllBytesAsync(ArchivePath);
        if (isIndexLost)
        {
            File.Delete(IndexPath);
        }

        for (int round = 0; round < 25; round++)
        {
            int length = whole.Length * round / 25;
            await File.WriteAllBytesAsync(ArchivePath, whole[..length]);
            SalvageReport report = await SalvageAsync($"cut-{isIndexLost}-{round}");

            Assert.Equal(ExitCode.DamageFound, report.ExitCode);
            AssertHonest(report);
            long lost = report.Files.Sum(file => file.Missing.Sum(run => run.LengthBytes));
            long data = RealBackups.Vda.Extents.Concat(RealBackups.Vdb.Extents).Sum(run => run.LengthBytes);

            // The compressed data are about as long as the data; the chunk at the cut is lost.
            Assert.InRange(data - lost, (data * round / 25) - (24 << 10), data);
        }
    }

    [Fact]
    public async Task Each_damage_loses_only_its_chunk()
    {
        byte[] bytes = await File.ReadAllBytesAsync(ArchivePath);
        bytes[bytes.Length / 2] ^= 1;
        bytes[bytes.Length - 5000] ^= 1;
        await File.WriteAllBytesAsync(ArchivePath, bytes);

        SalvageReport report = await SalvageAsync("flipped");

        AssertHonest(report);
        Assert.InRange(
            report.Files.Sum(file => file.Missing.Concat(file.Unproven).Sum(run => run.LengthBytes)), 1, 2 * (8 << 10));
        Assert.All(report.Files,
            file => Assert.Equal(file.IsIntact, !file.FilePath.EndsWith(".damaged", StringComparison.Ordinal)));
        Assert.Contains(report.Files, file => !file.IsIntact);
    }

    // A salvage can be killed at any time, so what is on disk in between counts, too.
    [Fact]
    public async Task A_damaged_file_never_has_the_name_of_a_complete_one()
    {
        byte[] bytes = await File.ReadAllBytesAsync(ArchivePath);
        await File.WriteAllBytesAsync(ArchivePath, bytes[..(bytes.Length / 2)]);
        string path = Directory.CreateDirectory(folder.PathOf("watched")).FullName;
        ConcurrentQueue<string> names = [];
        using SemaphoreSlim last = new(0);
        using FileSystemWatcher watcher = new(path) { NotifyFilter = NotifyFilters.FileName };
        watcher.Created += (_, change) => Add(change.Name!);
        watcher.Renamed += (_, change) => Add(change.Name!);
        watcher.EnableRaisingEvents = true;

        SalvageReport report = await SalvageAsync("watched");
        await File.WriteAllTextAsync(Path.Combine(path, "end"), string.Empty);

        Assert.True(await last.WaitAsync(TimeSpan.FromSeconds(30)));
        string[] damaged =
            [.. report.Files.Where(file => !file.IsIntact).Select(file => Path.GetFileName(file.FilePath))];
        Assert.Contains("web1-vdb.raw.damaged", damaged);
        Assert.All(damaged, name => Assert.Contains(name, names));
        Assert.All(damaged, name => Assert.DoesNotContain(name[..^".damaged".Length], names));

        void Add(string name)
        {
            names.Enqueue(name);
            _ = name == "end" ? last.Release() : 0;
        }
    }

    [Fact]
    public async Task Existing_files_are_not_overwritten()
    {
        _ = await SalvageAsync("twice");

        KvmBackupException refusal = await Assert.ThrowsAnyAsync<KvmBackupException>(() => SalvageAsync("twice"));

        Assert.Contains("web1-domain.xml exists", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Everything not listed as lost is unchanged, and lost parts are zeros.</summary>
    private static void AssertHonest(SalvageReport report)
    {
        foreach ((SalvagedFile file, SparseContent content) in report.Files.Skip(
            1).Zip([RealBackups.Vda, RealBackups.Vdb]))
        {
            byte[] expected = content.ToArray();
            byte[] actual = File.ReadAllBytes(file.FilePath);
            file.Missing.ToList().ForEach(run => expected.AsSpan((int)run.OffsetBytes, (int)run.LengthBytes).Clear());
            file.Unproven.ToList().ForEach(run => expected.AsSpan((int)run.OffsetBytes, (int)run.LengthBytes).Clear());
            file.Unproven.ToList().ForEach(run => actual.AsSpan((int)run.OffsetBytes, (int)run.LengthBytes).Clear());
            Assert.Equal(expected, actual);
            Assert.Equal(file.IsIntact, file.Missing.Count + file.Unproven.Count == 0);
        }
    }

    private Task<SalvageReport> SalvageAsync(string name) => RestoreSamples.Salvage(
        target, folder.DirectoryPath).RunAsync(
        new RestoreRequest(RealBackups.Web1, null, folder.PathOf(name), null, null, false, false, null, false), null,
        CancellationToken.None);
}
