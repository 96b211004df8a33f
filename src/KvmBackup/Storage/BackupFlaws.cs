namespace KvmBackup.Storage;

/// <summary>
/// What the names and sizes of the files in a backup show without reading them. A backup can be restored without its index or
/// its checksums, so these make none of it unusable; they show that something has touched it.
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
                ? $"its index '{archive.IndexFileName}' has {index.Length} bytes; the manifest says {size}"
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
