using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The folders of domains in the backup directory.</summary>
/// <param name="Names">The domains with at least one entry that is, was or will be a backup, by name.</param>
/// <param name="Unreadable">The folders that cannot be read, as <c>NAME: reason</c>. They do not affect the
/// others.</param>
public sealed record DomainFolders(IReadOnlyList<DomainName> Names, IReadOnlyList<string> Unreadable)
{
    // Created by mkfs; only root may read it.
    private const string LostAndFound = "lost+found";

    internal static DomainFolders Read(string directoryPath, Func<string, DomainName?> decodeName)
    {
        List<DomainName> names = [];
        List<string> unreadable = [];
        foreach (TargetName folder in TargetFolder.ListRoot(directoryPath)
            .OrderBy(folder => folder.Text, StringComparer.Ordinal))
        {
            if (!folder.IsExact)
            {
                unreadable.Add($"{folder.Text}: its name is not UTF-8, so it is not a domain's folder: rename it or "
                    + "move it away");
            }
            else if (decodeName(folder.Text) is { } name)
            {
                try
                {
                    names.AddRange(HasBackups(Path.Combine(directoryPath, folder.Text)) ? [name] : []);
                }
                catch (Exception failure) when (StorageException.IsExpected(failure))
                {
                    unreadable.AddRange(folder.Text == LostAndFound ? [] : [$"{folder.Text}: {failure.Message}"]);
                }
            }
        }

        return new DomainFolders([.. names.OrderBy(name => name.Value, StringComparer.Ordinal)], unreadable);
    }

    private static bool HasBackups(string folderPath)
    {
        // A link is never ours: unless it leads to backups, it is ignored like any other foreign folder.
        if (new DirectoryInfo(folderPath) is { LinkTarget: not null } link)
        {
            bool hasBackups = link.Exists
                && link.EnumerateFileSystemInfos().Any(entry => BackupDirectoryName.Parse(entry.Name) is not null);
            return hasBackups
                ? throw new RefusedPathException(
                    $"'{folderPath}' is a symbolic link; links in the backup directory are not followed: mount the "
                        + "folder there instead")
                : false;
        }

        using TargetFolder folder = TargetFolder.OpenDomain(folderPath);
        return folder.List().Any(entry => BackupDirectoryName.Parse(entry.Text) is not null);
    }
}
