using System.Security.Cryptography;
using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>
/// Checks the small files of a backup. The archive's own bytes are checked by who reads them anyway, against the index that
/// is proven here, or <see cref="ManifestArchive.Sha256"/>; here only that all files agree on that checksum.
/// </summary>
public static class BackupIntegrity
{
    /// <returns>Everything that is not as it was written; empty when all is well.</returns>
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
            new ArchiveDamage(BackupFiles.Checksums, null, [], $"it names '{name}', which is no file of this backup")));
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
                BackupFiles.Checksums, null, [], $"its checksum of '{archive.FileName}' is not the manifest's");
        }
    }

    private static IEnumerable<ArchiveDamage> CompareFile(CompletedBackup backup, string file, string sum)
    {
        try
        {
            using Stream stream = TargetFile.OpenStream(Path.Combine(backup.DirectoryPath, file));
            return Convert.ToHexStringLower(SHA256.HashData(stream)) == sum ? []
                : [new ArchiveDamage(file, null, [], $"its bytes are not those that {BackupFiles.Checksums} tells")];
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
