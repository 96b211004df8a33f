using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Restore;
using KvmBackup.Storage;
using KvmBackup.Tests.Runs.Restore;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Inspect;

/// <summary>Damage at any offset of any file of a published backup is reported by every command.</summary>
public sealed class DamagedBackupTests : IAsyncLifetime
{
    private const int Histories = 150;
    private static readonly DomainName Web1 = new("web1");

    private readonly TemporaryFolder folder = new();
    private readonly BackupDirectory target;
    private readonly RestoreRun restore;
    private CompletedBackup backup = null!;

    private string Place => folder.PathOf("restored");

    public DamagedBackupTests()
    {
        RecordedShell nothing = new(folder.DirectoryPath);
        target = new BackupDirectory(folder.PathOf("backups"), TimeProvider.System);
        restore = RestoreSamples.Run(target, nothing, folder.PathOf("keys"));
    }

    [Theory]
    [InlineData("web1.tar.gz", 1)]
    [InlineData("web1.tar.gz.index", 2)]
    [InlineData("manifest.json", 3)]
    [InlineData("SHA256SUMS", 4)]
    public async Task Damage_in_any_file_at_any_offset_is_found_and_never_restored(string file, int seed)
    {
        string path = Path.Combine(backup.DirectoryPath, file);
        byte[] good = await File.ReadAllBytesAsync(path);
        Random random = new(seed);
        for (int history = 0; history < Histories; history++)
        {
            int place = random.Next(good.Length);
            bool isCut = random.Next(4) == 0;
            byte[] bad = isCut ? good[..place] : [.. good];
            if (!isCut)
            {
                bad[place] ^= (byte)(1 << random.Next(8));
            }

            await File.WriteAllBytesAsync(path, bad);

            string what = $"{file} {(isCut ? "cut" : "flipped")} at {place}";
            await AssertFoundAsync(file, place, what);
            await AssertNotRestoredAsync(file, what);
        }
    }

    [Fact]
    public async Task A_restore_of_the_newest_backup_warns_when_an_older_one_is_used()
    {
        CompletedBackup newer = await RealBackups.PublishAsync(target, BackupSamples.IdOfDay(21));
        await using (FileStream archive = File.OpenWrite(Path.Combine(newer.DirectoryPath, "web1.tar.gz")))
        {
            archive.SetLength(archive.Length / 2);
        }

        RestoreReport report = await RestoreAsync(null);
        RestoreReport requested = await RestoreAsync("20261120");

        Assert.Equal(backup.Id, report.Id);
        Assert.Contains(
            "20261121T020000Z-full is newer, but unusable: its archive", report.Warnings[0], StringComparison.Ordinal);
        Assert.DoesNotContain(requested.Warnings, warning => warning.Contains("newer", StringComparison.Ordinal));
    }

    public async Task InitializeAsync()
    {
        target.EnsureUsable();
        backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
    }

    public Task DisposeAsync()
    {
        folder.Dispose();
        return Task.CompletedTask;
    }

    private async Task AssertFoundAsync(string file, int place, string what)
    {
        IReadOnlyList<ArchiveDamage> damages;
        try
        {
            CompletedBackup found = target.ForDomain(Web1).FindToVerify(null);
            damages =
                await new BackupVerifier(
                    Logger.None).VerifyAsync(found, VerifyDepth.Content, null, CancellationToken.None);
        }
        catch (KvmBackupException noticed)
        {
            // A manifest that is not a manifest any more; a flipped version number looks like that of a newer program.
            Assert.True(file == "manifest.json" && noticed.ExitCode is ExitCode.DamageFound or ExitCode.Usage, what);
            return;
        }

        // When a checksum and its file differ, either of them may be damaged.
        Assert.True(damages.Any(damage => damage.File == file || file == "SHA256SUMS"), what);
        if (file == "web1.tar.gz")
        {
            ArchiveDamage damage = damages.First(damage => damage.OffsetBytes is not null);
            Assert.True(damage.OffsetBytes <= place && place - damage.OffsetBytes < 16 << 10, $"{what}: {damage}");
            Assert.True(damage.Members.Count > 0, $"{what}: {damage}");
        }
        else if (file != "manifest.json")
        {
            // The archive is intact, and nothing else may be reported.
            Assert.True(damages.All(damage => damage.File != "web1.tar.gz"), what);
        }
    }

    private async Task AssertNotRestoredAsync(string file, string what)
    {
        RestoreReport report;
        try
        {
            report = await RestoreAsync(null);
        }
        catch (KvmBackupException refusal)
        {
            Assert.True(file is "web1.tar.gz" or "manifest.json" or "SHA256SUMS", $"{what}: {refusal.Message}");
            Assert.Matches(
                "vd[ab].raw|domain.xml|manifest|its archive|kvmbackup verify web1@20261120T020000Z", refusal.Message);
            Assert.True(!Directory.Exists(Place) || Directory.GetFileSystemEntries(Place).Length == 0, what);
            return;
        }

        // The paths in a damaged manifest are not trusted.
        Assert.True(file != "manifest.json", what);
        Assert.True(file is "web1.tar.gz" || report.Warnings
            .Any(warning => warning.Contains(file, StringComparison.Ordinal)), what);
        Assert.Equal(RealBackups.Vda.ToArray(), await File.ReadAllBytesAsync(Path.Combine(Place, "web1-vda.raw")));
        Assert.Equal(RealBackups.Vdb.ToArray(), await File.ReadAllBytesAsync(Path.Combine(Place, "web1-vdb.raw")));
    }

    /// <summary>Restores the files into an empty folder.</summary>
    private Task<RestoreReport> RestoreAsync(string? id)
    {
        if (Directory.Exists(Place))
        {
            Directory.Delete(Place, recursive: true);
        }

        return restore.RunAsync(
            new RestoreRequest(Web1, id, Place, null, null, false, false, null, false), null, CancellationToken.None);
    }
}
