using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Inspect;
using KvmBackup.Storage;
using KvmBackup.Tests.Archiving;
using KvmBackup.Tests.Planning;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Inspect;

/// <summary>An increment is verified with the backups on which it depends.</summary>
public sealed class VerifyRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task An_intact_increment_without_its_base_is_damaged()
    {
        BackupDirectory target = new(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
        CompletedBackup full = await PublishAsync(target, ChainSamples.Backup(1));
        CompletedBackup increment = await PublishAsync(target, ChainSamples.Backup(2, 1));
        VerifyRun verify = new(target, new BackupVerifier(Logger.None), TimeProvider.System, Logger.None);
        Assert.Equal(
            ExitCode.Done, (await verify.RunAllAsync(VerifyDepth.Content, null, CancellationToken.None)).ExitCode);

        Directory.Delete(full.DirectoryPath, recursive: true);
        VerifyReport all = await verify.RunAllAsync(VerifyDepth.Content, null, CancellationToken.None);
        VerifyReport one =
            await verify.RunAsync(increment.Domain, null, VerifyDepth.Content, null, CancellationToken.None);

        Assert.All([all, one], report =>
        {
            Assert.Equal(ExitCode.DamageFound, report.ExitCode);
            Assert.Contains("holds only the changes since 20261101T020000Z", report.Results[0].Damages[0].Reason,
                StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task An_unreadable_backup_does_not_prevent_the_verification_of_the_others()
    {
        BackupDirectory target = new(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
        CompletedBackup blocked = await PublishAsync(target, ChainSamples.Backup(1));
        CompletedBackup good = await PublishAsync(target, ChainSamples.Backup(2));
        string archive = Path.Combine(blocked.DirectoryPath, blocked.Manifest.Archive.FileName);
        File.Delete(archive);
        _ = File.CreateSymbolicLink(archive, archive);
        VerifyRun verify = new(target, new BackupVerifier(Logger.None), TimeProvider.System, Logger.None);

        VerifyReport report = await verify.RunAllAsync(VerifyDepth.Content, null, CancellationToken.None);

        Assert.Equal(ExitCode.DamageFound, report.ExitCode);
        Assert.Contains(report.Results, result => result.Backup.Id == good.Id && result.Damages.Count == 0);
        Assert.Contains(report.Results, result => result.Backup.Id == blocked.Id && result.Damages.Count > 0);
    }

    [Fact]
    public async Task A_verification_without_backups_is_a_failure()
    {
        BackupDirectory target = new(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();

        VerifyReport report =
            await new VerifyRun(target, new BackupVerifier(Logger.None), TimeProvider.System, Logger.None)
            .RunAllAsync(VerifyDepth.Content, null, CancellationToken.None);

        Assert.Equal(ExitCode.Failed, report.ExitCode);
    }

    private static async Task<CompletedBackup> PublishAsync(BackupDirectory target, CompletedBackup sample)
    {
        Manifest manifest = sample.Manifest;
        ManifestDisk disk = manifest.Disks[0];
        using DomainLock held =
            await target.ForDomain(manifest.Domain).LockAsync(TimeSpan.Zero, CancellationToken.None);
        await using PendingBackup pending =
            await target.ForDomain(manifest.Domain).BeginAsync(manifest.Id, manifest.Kind, held);
        ArchiveMember member;
        KvmBackup.Archiving.ArchiveSummary summary;
        await using (FileStream archive = pending.CreateFile("web1.tar.gz"))
        {
            await using KvmBackup.Archiving.ArchiveWriter writer = new(
                archive, new Compression(CompressionMethod.Gzip), SampleArchive.RealShell, SampleArchive.ModifiedAt);
            member = await writer.AddAsync(
                $"web1/{disk.Layers[0].FileName}", SparseContent.Whole((int)disk.Layers[0].SizeBytes, 1), null,
                CancellationToken.None);
            summary = await writer.CompleteAsync(CancellationToken.None);
        }

        await using (FileStream index = pending.CreateFile("web1.tar.gz.index"))
        {
            await summary.Index.WriteToAsync(index, CancellationToken.None);
        }

        ManifestLayer layer = disk.Layers[0] with { Xxh128 = member.ContentXxh128 };
        return await pending.PublishAsync(
            manifest with
            {
                Archive = new ManifestArchive(
                    "web1.tar.gz", "web1.tar.gz.index", CompressionMethod.Gzip, summary.SizeBytes, summary.TarBytes,
                    summary.Sha256),
                Disks = [disk with { Layers = [layer] }],
                Files = [],
                Members = [member],
            },
            CancellationToken.None);
    }
}
