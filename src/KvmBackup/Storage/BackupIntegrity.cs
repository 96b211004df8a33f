using System.Security.Cryptography;
using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>
/// Checks the small files of a backup. The archive's bytes are checked while they are read, against the index
/// verified here
/// or <see cref="ManifestArchive.Sha256"/>; here only the agreement of all files on that checksum is checked.
/// </summary>
public static class BackupIntegrity
{
    /// <returns>All damage; empty for none.</returns>
    /// <exception cref="StorageException">The directory cannot be read.</exception>
    public static IReadOnlyList<ArchiveDamage> VerifyFiles(CompletedBackup backup)
    {
        try
        {
            return Verify(backup);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"Cannot check the files in '{backup.DirectoryPath}'");
        }
    }

    private static List<ArchiveDamage> Verify(CompletedBackup backup)
    {
        ManifestArchive archive = backup.Manifest.Archive;
        string checksums = Path.Combine(backup.DirectoryPath, BackupFiles.Checksums);
        ChecksumReading reading;
        try
        {
            reading = ChecksumFile.Read(checksums);
        }
        catch (Exception failure) when (FindDamage(BackupFiles.Checksums, failure) is { } damage)
        {
            return [damage];
        }

        List<ArchiveDamage> damages = [.. reading.Damages];
        string[] files = [archive.FileName, archive.IndexFileName, BackupFiles.Manifest];
        damages.AddRange(reading.Sums.Keys.Except(files).Select(name =>
            new ArchiveDamage(BackupFiles.Checksums, null, [], $"it names '{name}', which is not a file of this "
                + "backup")));
        foreach (string file in files)
        {
            if (!reading.Sums.TryGetValue(file, out string? sum))
            {
                damages.Add(new ArchiveDamage(BackupFiles.Checksums, null, [], $"it has no line for '{file}'"));
            }
            else if (file == archive.FileName)
            {
                damages.AddRange(CompareArchive(archive, sum));
            }
            else
            {
                damages.AddRange(CompareFile(backup, file, sum));
            }
        }

        return damages;
    }

    private static IEnumerable<ArchiveDamage> CompareArchive(ManifestArchive archive, string sum)
    {
        if (sum != archive.Sha256)
        {
            yield return new ArchiveDamage(
                BackupFiles.Checksums, null, [], $"its checksum of '{archive.FileName}' differs from the manifest's");
        }
    }

    private static IEnumerable<ArchiveDamage> CompareFile(CompletedBackup backup, string file, string sum)
    {
        try
        {
            using Stream stream = TargetFile.OpenStream(Path.Combine(backup.DirectoryPath, file));
            return Convert.ToHexStringLower(SHA256.HashData(stream)) == sum ? []
                : [new ArchiveDamage(file, null, [], $"its content does not match {BackupFiles.Checksums}")];
        }
        catch (Exception failure) when (FindDamage(file, failure) is { } damage)
        {
            return [damage];
        }
    }

    private static ArchiveDamage? FindDamage(string file, Exception failure) => failure switch
    {
        FileNotFoundException => new ArchiveDamage(file, null, [], "it is missing"),
        RefusedPathException => new ArchiveDamage(file, null, [], failure.Message),
        _ => null,
    };
}
