namespace KvmBackup.Storage;

/// <summary>
/// The damage to a backup's auxiliary files that names and sizes show. A restore does not require the index or the
/// checksums, so such a backup stays usable; the damage shows that the files were changed.
/// </summary>
internal static class BackupFlaws
{
    public static IReadOnlyList<string> Find(string directoryPath, ManifestArchive archive) =>
        [.. new[] { FindIndexFlaw(directoryPath, archive), FindChecksumsFlaw(directoryPath) }.OfType<string>()];

    private static string? FindIndexFlaw(string directoryPath, ManifestArchive archive)
    {
        FileInfo index = new(Path.Combine(directoryPath, archive.IndexFileName));
        return !index.Exists ? $"its index '{archive.IndexFileName}' is missing"
            : index.Length == 0 ? $"its index '{archive.IndexFileName}' is empty"
            : archive.IndexSizeBytes is { } size && index.Length != size
                ? $"its index '{archive.IndexFileName}' has {index.Length} bytes; its manifest requires {size}"
            : null;
    }

    private static string? FindChecksumsFlaw(string directoryPath)
    {
        FileInfo checksums = new(Path.Combine(directoryPath, BackupFiles.Checksums));
        return !checksums.Exists ? $"its {BackupFiles.Checksums} is missing"
            : checksums.Length == 0 ? $"its {BackupFiles.Checksums} is empty"
            : null;
    }
}
