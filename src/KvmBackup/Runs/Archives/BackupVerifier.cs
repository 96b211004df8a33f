using KvmBackup.Archiving;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Microsoft.Win32.SafeHandles;
using Serilog;

namespace KvmBackup.Runs.Archives;

/// <summary>Reads every byte of a backup and reports damage.</summary>
public sealed class BackupVerifier(ILogger log)
{
    /// <summary>Verifies a published backup, including its small files.</summary>
    public async Task<IReadOnlyList<ArchiveDamage>> VerifyAsync(
        CompletedBackup backup, VerifyDepth depth, IProgress<TransferProgress>? progress,
        CancellationToken cancellationToken)
    {
        log.Information("{Domain}: verifying {Directory}", backup.Domain, backup.DirectoryPath);
        List<ArchiveDamage> damages = [.. BackupIntegrity.VerifyFiles(backup)];
        TransferMonitor monitor = new(backup.Domain, (long)(backup.Manifest.Archive.SizeBytes * depth.Share), progress);
        IReadOnlyList<ArchiveDamage> ofArchive = await VerifyArchiveAsync(
            backup.DirectoryPath, backup.Manifest, depth, damages, monitor.Begin($"verifying {backup.Id}"),
            cancellationToken);
        bool isManifestDamaged = damages.Any(damage => damage.File == BackupFiles.Manifest);
        damages.AddRange(ofArchive.Select(damage => !isManifestDamaged ? damage : damage with
        {
            Reason = $"{damage.Reason} (according to {BackupFiles.Manifest}, which is damaged itself)",
        }));
        return damages;
    }

    /// <summary>Verifies a backup before it is published.</summary>
    /// <exception cref="RunsException">The backup is damaged and must not be published.</exception>
    public async Task ProveAsync(string directoryPath, Manifest manifest, CancellationToken cancellationToken)
    {
        IReadOnlyList<ArchiveDamage> damages =
            await VerifyArchiveAsync(
                directoryPath, manifest, VerifyDepth.Content, [], bytesRead: null, cancellationToken);
        if (damages.Count > 0)
        {
            throw new RunsException(
                $"the archive was read back and is damaged: {damages[0].Reason} ({damages[0].File}, byte "
                    + $"{damages[0].OffsetBytes}); it was not published. Check the target's disk and this host's "
                    + "memory",
                ExitCode.DamageFound);
        }

        log.Information("{Domain}: read back and verified", manifest.Domain);
    }

    private static async Task<IReadOnlyList<ArchiveDamage>> VerifyArchiveAsync(
        string directoryPath, Manifest manifest, VerifyDepth depth, IReadOnlyList<ArchiveDamage> known,
        IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        ManifestArchive archive = manifest.Archive;
        List<ArchiveDamage> damages = [];
        using SafeFileHandle handle = ArchiveFile.Open(directoryPath, archive);
        try
        {
            (ArchiveIndex index, ArchiveDamage? indexDamage) =
                await ArchiveFile.FindIndexAsync(handle, directoryPath, archive, known, cancellationToken);
            damages.AddRange(indexDamage is null ? [] : [indexDamage]);
            ArchiveReader reader = new(handle, index, archive.Compression);

            // A rebuilt index has the checksums of the current content, which prove nothing.
            bool isProven = indexDamage is null
                && known.All(damage => damage.File != archive.IndexFileName && damage.File != BackupFiles.Checksums);
            damages.AddRange(depth.Unpacks || !isProven
                ? await reader.VerifyAsync(
                    manifest.Members, isProven ? null : archive.Sha256, archive.FileName, bytesRead, cancellationToken)
                : await reader.VerifyBytesAsync(
                    manifest.Members, depth.Share, archive.FileName, bytesRead, cancellationToken));
        }
        catch (ArchivingException failure) when (failure.ExitCode == ExitCode.DamageFound)
        {
            damages.Add(
                new ArchiveDamage(
                    archive.FileName, null, [.. manifest.Members.Select(member => member.Name)], failure.Message));
        }

        return damages;
    }
}
