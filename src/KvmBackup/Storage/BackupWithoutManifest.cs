namespace KvmBackup.Storage;

/// <summary>A backup of which the archive is there, but no manifest that can be read.</summary>
/// <param name="DirectoryPath">Where it lies.</param>
/// <param name="Id">By the directory's name.</param>
/// <param name="ArchiveName">The archive in it.</param>
/// <param name="Method">Its codec, by its name.</param>
/// <param name="Reason">What is wrong with the manifest.</param>
public sealed record BackupWithoutManifest(string DirectoryPath, BackupId Id, string ArchiveName, CompressionMethod Method, string Reason)
{
    private static readonly CompressionMethod[] Methods =
        [CompressionMethod.Gzip, CompressionMethod.Zstd, CompressionMethod.Bzip2, CompressionMethod.None];

    /// <returns>Null when there is no archive under the name that it would have.</returns>
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
