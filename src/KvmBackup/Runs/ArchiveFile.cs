using KvmBackup.Archiving;
using KvmBackup.Model;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Runs;

/// <summary>Opens the archive of a backup, and the index beside it.</summary>
internal static class ArchiveFile
{
    /// <exception cref="RunsException">It cannot be read.</exception>
    public static SafeFileHandle Open(string directoryPath, ManifestArchive archive) =>
        Guard(Path.Combine(directoryPath, archive.FileName), path => File.OpenHandle(path));

    /// <summary>The index beside the archive.</summary>
    /// <exception cref="KvmBackupException">It is missing or damaged.</exception>
    public static async Task<ArchiveIndex> ReadIndexAsync(
        string directoryPath, ManifestArchive archive, CancellationToken cancellationToken)
    {
        await using FileStream stream = Guard(Path.Combine(directoryPath, archive.IndexFileName), File.OpenRead);
        return await ArchiveIndex.ReadFromAsync(stream, cancellationToken);
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
