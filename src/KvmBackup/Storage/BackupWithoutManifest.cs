namespace KvmBackup.Storage;

/// <summary>A backup with an archive but without a readable manifest.</summary>
/// <param name="DirectoryPath">Its directory.</param>
/// <param name="Id">The ID in the directory's name.</param>
/// <param name="ArchiveName">The archive.</param>
/// <param name="Method">The codec, from the archive's name.</param>
/// <param name="Reason">Why the manifest cannot be used.</param>
public sealed record BackupWithoutManifest(
    string DirectoryPath, BackupId Id, string ArchiveName, CompressionMethod Method, string Reason)
{
    private static readonly CompressionMethod[] Methods =
        [CompressionMethod.Gzip, CompressionMethod.Zstd, CompressionMethod.Bzip2, CompressionMethod.None];

    /// <returns>Null when there is no archive of the expected name.</returns>
    internal static BackupWithoutManifest? Find(string directoryPath, DomainName domain, UnusableEntry entry)
    {
        string path = Path.Combine(directoryPath, entry.Name);
        return BackupDirectoryName.Parse(entry.Name) is not { State: BackupDirectoryState.Published } name ? null
            : Methods.Select(method => (Method: method, FileName: domain.FileName + Compression.FileExtension(method)))
                .Where(found => new FileInfo(Path.Combine(path, found.FileName)) is { Exists: true, LinkTarget: null })
                .Select(found => new BackupWithoutManifest(path, name.Id, found.FileName, found.Method, entry.Reason))
                .FirstOrDefault();
    }
}
