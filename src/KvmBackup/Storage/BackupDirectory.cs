using KvmBackup.Model;
using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The only owner of the backup directory: names, completeness, order, deletion, locks.</summary>
/// <param name="directoryPath">Where the backups of one host lie: a folder for each domain.</param>
/// <param name="time">The clock of locks.</param>
public sealed class BackupDirectory(string directoryPath, TimeProvider time)
{
    public string DirectoryPath { get; } = Path.GetFullPath(directoryPath);

    /// <summary>Free on its file system for this user.</summary>
    /// <exception cref="StorageException">It is not there, or its file system does not answer.</exception>
    public long AvailableBytes
    {
        get
        {
            try
            {
                return new DriveInfo(DirectoryPath).AvailableFreeSpace;
            }
            catch (Exception failure) when (StorageException.IsExpected(failure))
            {
                throw StorageException.From(failure, $"Cannot tell the room left in '{DirectoryPath}'");
            }
        }
    }

    /// <summary>Makes the directory if only its last component is missing, and proves that it takes files.</summary>
    /// <exception cref="StorageException">It cannot be written, with the reason and the mend.</exception>
    public void EnsureUsable()
    {
        if (File.Exists(DirectoryPath))
        {
            throw new StorageException(
                $"The backup directory '{DirectoryPath}' is a file. Set backupdir to a directory.");
        }

        if (!Directory.Exists(DirectoryPath) && !Directory.Exists(Path.GetDirectoryName(DirectoryPath)))
        {
            throw new StorageException(
                $"The backup directory '{DirectoryPath}' is not there, nor is the directory that it should be in."
                + " Is the share mounted?");
        }

        try
        {
            _ = DurableFile.TryMakeDirectory(DirectoryPath);
            Probe();
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"The backup directory '{DirectoryPath}' cannot be written");
        }
    }

    public DomainDirectory ForDomain(DomainName name) => new(Path.Combine(DirectoryPath, name.FileName), name, time);

    /// <summary>The domains that have anything here that is, was or will be a backup, by name.</summary>
    /// <exception cref="StorageException">The directory cannot be read.</exception>
    public IReadOnlyList<DomainName> ListDomains() => ListFolders().Names;

    /// <inheritdoc cref="ListDomains"/>
    /// <remarks>With the folders that cannot be looked into.</remarks>
    public DomainFolders ListFolders()
    {
        try
        {
            return DomainFolders.Read(DirectoryPath, DecodeName);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"Cannot list the backup directory '{DirectoryPath}'");
        }
    }

    /// <returns>The domain whose folder has that name; null when no domain's would.</returns>
    private static DomainName? DecodeName(string folderName)
    {
        // Uri leaves what is no escape as it is; the way back tells whether the folder is one of ours.
        string decoded = Uri.UnescapeDataString(folderName);
        return DomainName.IsValid(decoded) && new DomainName(decoded) is { } name && name.FileName == folderName ? name : null;
    }

    private void Probe()
    {
        string probe = Path.Combine(DirectoryPath, $".kvmbackup-probe-{Guid.NewGuid():N}");
        try
        {
            DurableFile.CreateNew(probe, "kvmbackup was here"u8);
        }
        finally
        {
            File.Delete(probe);
        }

        DurableFile.FlushDirectory(DirectoryPath);
    }
}
