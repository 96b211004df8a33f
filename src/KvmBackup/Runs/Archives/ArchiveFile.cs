using KvmBackup.Archiving;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Storage;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Runs.Archives;

/// <summary>Opens the archive of a backup, and finds its index.</summary>
internal static class ArchiveFile
{
    /// <exception cref="RunsException">It cannot be read.</exception>
    public static SafeFileHandle Open(string directoryPath, ManifestArchive archive) =>
        Guard(Path.Combine(directoryPath, archive.FileName), _ => BackupContent.Open(directoryPath, archive.FileName));

    /// <summary>The index beside the archive; made again from the archive when that is missing or damaged.</summary>
    /// <param name="handle">The archive.</param>
    /// <param name="directoryPath">The backup's.</param>
    /// <param name="archive">As its manifest describes it.</param>
    /// <param name="known">What is known to be damaged; an index among it is not even read.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The index, and what is wrong with the one beside the archive beyond what was known.</returns>
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

    /// <summary>The index beside the archive, or as much of it as a damaged archive still tells.</summary>
    /// <exception cref="KvmBackupException">Nothing in the archive can be found.</exception>
    public static async Task<ArchiveIndex> SalvageIndexAsync(
        SafeFileHandle handle, string directoryPath, ManifestArchive archive, IReadOnlyList<ArchiveDamage> known,
        CancellationToken cancellationToken)
    {
        try
        {
            return (await FindIndexAsync(handle, directoryPath, archive, known, cancellationToken)).Index.Extend(archive.TarBytes);
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
