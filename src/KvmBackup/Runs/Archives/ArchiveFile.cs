using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Storage;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Runs.Archives;

/// <summary>Opens the archive of a backup and its index.</summary>
internal static class ArchiveFile
{
    /// <exception cref="RunsException">The archive cannot be read.</exception>
    public static SafeFileHandle Open(string directoryPath, ManifestArchive archive) =>
        Guard(Path.Combine(directoryPath, archive.FileName), _ => BackupContent.Open(directoryPath, archive.FileName));

    /// <summary>
    /// Reads the index file; rebuilds the index from the archive when the file is missing or damaged.
    /// </summary>
    /// <param name="handle">The archive.</param>
    /// <param name="directoryPath">The directory of the backup.</param>
    /// <param name="archive">The archive according to the manifest.</param>
    /// <param name="known">The known damages; a damaged index file is not read.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>The index, and a new damage of the index file.</returns>
    /// <exception cref="KvmBackupException">The archive is damaged, too.</exception>
    public static async Task<(ArchiveIndex Index, ArchiveDamage? Damage)> FindIndexAsync(
        SafeFileHandle handle, string directoryPath, ManifestArchive archive, IReadOnlyList<ArchiveDamage> known,
        CancellationToken cancellationToken)
    {
        ArchiveDamage? damage = null;
        if (known.All(other => other.File != archive.IndexFileName))
        {
            try
            {
                await using Stream stream = Guard(
                    Path.Combine(directoryPath, archive.IndexFileName),
                    _ => BackupContent.OpenStream(directoryPath, archive.IndexFileName));
                return (await ArchiveIndex.ReadFromAsync(stream, cancellationToken), null);
            }
            catch (KvmBackupException failure)
            {
                damage = new ArchiveDamage(archive.IndexFileName, null, [], failure.Message);
            }
        }

        return (await ArchiveIndex.RebuildAsync(handle, archive.Compression, cancellationToken), damage);
    }

    /// <summary>Reads the index, or rebuilds as much of it as possible from a damaged archive.</summary>
    /// <exception cref="KvmBackupException">Nothing in the archive is readable.</exception>
    public static async Task<ArchiveIndex> SalvageIndexAsync(
        SafeFileHandle handle, string directoryPath, ManifestArchive archive, IReadOnlyList<ArchiveDamage> known,
        CancellationToken cancellationToken)
    {
        try
        {
            return (await FindIndexAsync(handle, directoryPath, archive, known, cancellationToken)).Index.Extend(
                archive.TarBytes);
        }
        catch (ArchivingException)
        {
            return await ArchiveIndex.SalvageAsync(
                handle, archive.Compression, ChunkSize.DefaultBytes, archive.TarBytes, cancellationToken);
        }
    }

    private static T Guard<T>(string path, Func<string, T> open)
    {
        try
        {
            return open(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new RunsException($"Cannot read {path}: {failure.Message}", ExitCode.DamageFound, failure);
        }
    }
}
