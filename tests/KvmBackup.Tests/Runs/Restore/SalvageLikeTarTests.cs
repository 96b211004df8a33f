using KvmBackup.Runs;
using KvmBackup.Runs.Restore;
using KvmBackup.Shell;
using KvmBackup.Storage;
using KvmBackup.Tests.Archiving;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Restore;

/// <summary>Every byte that tar extracts from a damaged archive is also salvaged.</summary>
public sealed class SalvageLikeTarTests : IDisposable
{
    private static readonly (string Name, byte[] Content)[] Originals =
    [
        ("domain.xml", "<domain/>"u8.ToArray()), ("vda.raw", RealBackups.Vda.ToArray()),
        ("vdb.raw", RealBackups.Vdb.ToArray()),
    ];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [ProgramTheory("tar", "gzip", "zstd", "bzip2")]
    [InlineData(CompressionMethod.Gzip, 8 << 20)]
    [InlineData(CompressionMethod.Gzip, 32 << 10)]
    [InlineData(CompressionMethod.Zstd, 8 << 20)]
    [InlineData(CompressionMethod.Zstd, 32 << 10)]
    [InlineData(CompressionMethod.Bzip2, 8 << 20)]
    [InlineData(CompressionMethod.Bzip2, 32 << 10)]
    [InlineData(CompressionMethod.None, 8 << 20)]
    [InlineData(CompressionMethod.None, 32 << 10)]
    public async Task Salvage_of_a_truncated_archive_equals_that_of_tar(CompressionMethod method, int chunkBytes)
    {
        BackupDirectory target = new(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
        CompletedBackup backup =
            await RealBackups.PublishAsync(target, ManifestSamples.Id, method: method, chunkBytes: chunkBytes);
        string archive = Path.Combine(backup.DirectoryPath, backup.Manifest.Archive.FileName);
        byte[] whole = await File.ReadAllBytesAsync(archive);
        foreach (string lost in new[] { "", ".index", "manifest.json" })
        {
            string[] gone = lost.Length == 0 ? []
                : [lost == ".index" ? archive + lost : Path.Combine(backup.DirectoryPath, lost)];
            Array.ForEach(gone, File.Delete);
            for (int cut = 1; cut <= 6; cut++)
            {
                await File.WriteAllBytesAsync(archive, whole[..(whole.Length * cut / 6)]);
                await CompareAsync(target, archive, $"{lost}-{cut}");
            }
        }
    }

    [ProgramTheory("tar", "gzip", "zstd", "bzip2")]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.Bzip2)]
    [InlineData(CompressionMethod.None)]
    public async Task Salvage_of_an_archive_with_a_wrong_byte_equals_that_of_tar(CompressionMethod method)
    {
        BackupDirectory target = new(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
        CompletedBackup backup =
            await RealBackups.PublishAsync(target, ManifestSamples.Id, method: method, chunkBytes: 32 << 10);
        string archive = Path.Combine(backup.DirectoryPath, backup.Manifest.Archive.FileName);
        byte[] bytes = await File.ReadAllBytesAsync(archive);
        bytes[bytes.Length * 2 / 5] ^= 4;
        await File.WriteAllBytesAsync(archive, bytes);

        await CompareAsync(target, archive, "indexed");
        File.Delete(archive + ".index");
        await CompareAsync(target, archive, "bare");
    }

    private async Task CompareAsync(BackupDirectory target, string archive, string name)
    {
        string byTar = Directory.CreateDirectory(folder.PathOf($"tar{name}")).FullName;
        _ = await SampleArchive.RealShell.RunAsync(
            new ProgramCall("tar", ["-xf", archive, "-C", byTar]), CancellationToken.None);
        string salvaged = folder.PathOf($"salvage{name}");

        SalvageReport report = await SalvageAsync(target, salvaged);

        foreach ((string file, byte[] original) in Originals)
        {
            byte[] tar = Read(Path.Combine(byTar, "web1", file));
            byte[] ours = Read(Path.Combine(salvaged, $"web1-{file}"));
            for (int place = 0; place < tar.Length && place < original.Length; place++)
            {
                Assert.True(
                    tar[place] != original[place] || (place < ours.Length && ours[place] == original[place]),
                    $"{name}: {file}: tar has byte {place}, salvage has not ({string.Join("; ", report.Notes)})");
            }

            Assert.True(ours.Length == 0 || report.Files
                .Any(one => Path.GetFileName(one.FilePath).StartsWith($"web1-{file}", StringComparison.Ordinal)
                && (!one.IsIntact || ours.SequenceEqual(original))), $"{name}: {file} is reported as complete");
        }
    }

    private static async Task<SalvageReport> SalvageAsync(BackupDirectory target, string path)
    {
        try
        {
            return await RestoreSamples.Salvage(target, target.DirectoryPath + ".keys").RunAsync(
                new RestoreRequest(RealBackups.Web1, "2026", path, null, null, false, false, null, false), null,
                CancellationToken.None);
        }
        catch (RunsException nothing) when (nothing.Message.StartsWith("no file was found", StringComparison.Ordinal))
        {
            // Then tar extracts nothing either: the first block is truncated.
            return new SalvageReport(RealBackups.Web1, ManifestSamples.Id, [], [nothing.Message], TimeSpan.Zero);
        }
    }

    private static byte[] Read(string path) => File.Exists(path) ? File.ReadAllBytes(path)
        : File.Exists(path + SalvageRun.DamagedExtension) ? File.ReadAllBytes(path + SalvageRun.DamagedExtension) : [];
}
