using KvmBackup.Archiving;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Microsoft.Win32.SafeHandles;
using Serilog;

namespace KvmBackup.Runs.Archives;

/// <summary>Reads every byte of a backup and says what is not as it was written.</summary>
public sealed class BackupVerifier(ILogger log)
{
    /// <summary>A published backup, its small files included.</summary>
    public async Task<IReadOnlyList<ArchiveDamage>> VerifyAsync(
        CompletedBackup backup, VerifyDepth depth, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        log.Information("{Domain}: verifying {Directory}", backup.Domain, backup.DirectoryPath);
        List<ArchiveDamage> damages = [.. BackupIntegrity.VerifyFiles(backup)];
        TransferMonitor monitor = new(backup.Domain, (long)(backup.Manifest.Archive.SizeBytes * depth.Share), progress);
        IReadOnlyList<ArchiveDamage> ofArchive = await VerifyArchiveAsync(
            backup.DirectoryPath, backup.Manifest, depth, damages, monitor.Begin($"verifying {backup.Id}"), cancellationToken);
        bool isMeasureDamaged = damages.Any(damage => damage.File == BackupFiles.Manifest);
        damages.AddRange(ofArchive.Select(damage => !isMeasureDamaged ? damage
            : damage with { Reason = $"{damage.Reason} (by what {BackupFiles.Manifest} tells, which is damaged itself)" }));
        return damages;
    }

    /// <summary>A backup that is not published yet.</summary>
    /// <exception cref="RunsException">It is not whole, and must not be published.</exception>
    public async Task ProveAsync(string directoryPath, Manifest manifest, CancellationToken cancellationToken)
    {
        IReadOnlyList<ArchiveDamage> damages =
            await VerifyArchiveAsync(directoryPath, manifest, VerifyDepth.Content, [], bytesRead: null, cancellationToken);
        if (damages.Count > 0)
        {
            throw new RunsException(
                $"the archive was read back and is damaged: {damages[0].Reason} ({damages[0].File}, byte "
                + $"{damages[0].OffsetBytes}); it was not published. Is the target's disk or this host's memory failing?",
                ExitCode.DamageFound);
        }

        log.Information("{Domain}: read back and found whole", manifest.Domain);
    }

    private static async Task<IReadOnlyList<ArchiveDamage>> VerifyArchiveAsync(
        string directoryPath, Manifest manifest, VerifyDepth depth, IReadOnlyList<ArchiveDamage> known, IProgress<long>? bytesRead,
        CancellationToken cancellationToken)
    {
        ManifestArchive archive = manifest.Archive;
        List<ArchiveDamage> damages = [];
        using SafeFileHandle handle = ArchiveFile.Open(directoryPath, archive);
        try
        {
            (ArchiveIndex index, ArchiveDamage? lost) =
                await ArchiveFile.FindIndexAsync(handle, directoryPath, archive, known, cancellationToken);
            damages.AddRange(lost is null ? [] : [lost]);
            ArchiveReader reader = new(handle, index, archive.Compression);

            // An index that was made again from the archive has the checksums of whatever is there.
            bool isProven = lost is null && known.All(damage => damage.File != archive.IndexFileName && damage.File != BackupFiles.Checksums);
            damages.AddRange(depth.Unpacks || !isProven
                ? await reader.VerifyAsync(
                    manifest.Members, isProven ? null : archive.Sha256, archive.FileName, bytesRead, cancellationToken)
                : await reader.VerifyBytesAsync(manifest.Members, depth.Share, archive.FileName, bytesRead, cancellationToken));
        }
        catch (ArchivingException failure) when (failure.ExitCode == ExitCode.DamageFound)
        {
            damages.Add(new ArchiveDamage(archive.FileName, null, [.. manifest.Members.Select(member => member.Name)], failure.Message));
        }

        return damages;
    }
}
