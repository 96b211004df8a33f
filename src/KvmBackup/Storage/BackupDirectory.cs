using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The only owner of the backup directory: names, completeness, order, deletion, locks.</summary>
/// <param name="directoryPath">Where the backups of one host lie: a folder for each domain.</param>
/// <param name="time">The clock of locks.</param>
public sealed class BackupDirectory(string directoryPath, TimeProvider time)
{
    public string DirectoryPath { get; } = Path.GetFullPath(directoryPath);

    /// <summary>Recognizes its file system; null when nothing is asked.</summary>
    public TargetGuard? Guard { get; init; }

    /// <summary>Free on its file system for this user; while it is not there, where the first run would make it.</summary>
    /// <exception cref="StorageException">Nor is its parent there, or the file system does not answer.</exception>
    public long AvailableBytes
    {
        get
        {
            try
            {
                string path = Directory.Exists(DirectoryPath) ? DirectoryPath : Path.GetDirectoryName(DirectoryPath) ?? "/";
                return new DriveInfo(path).AvailableFreeSpace;
            }
            catch (Exception failure) when (StorageException.IsExpected(failure))
            {
                throw StorageException.From(failure, $"Cannot tell the room left in '{DirectoryPath}'");
            }
        }
    }

    /// <summary>Looks whether backups can be written, and writes nothing.</summary>
    /// <returns>What was found, for a person.</returns>
    /// <exception cref="StorageException">They cannot, with the reason and what to do.</exception>
    public string Look()
    {
        (TargetDecision Decision, TargetFacts Facts)? guarded = DemandPlace();
        bool isThere = Directory.Exists(DirectoryPath);
        string folder = isThere ? DirectoryPath : Path.GetDirectoryName(DirectoryPath)!;
        try
        {
            DurableFile.DemandWritable(folder);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"The backup directory '{DirectoryPath}' cannot be written");
        }

        string place = guarded is { } state ? $" on {state.Facts.MountPoint} ({state.Facts.Source})" : string.Empty;
        string left = ByteSize.Format(new DriveInfo(folder).AvailableFreeSpace);
        string marker = guarded is { Decision.IsFirstUse: true } ? "; the next run writes the marker file" : string.Empty;
        return isThere ? $"{DirectoryPath}{place} can be written; {left} left{marker}"
            : $"{DirectoryPath}{place} is made by the first run; {left} left";
    }

    /// <summary>Makes the directory if only its last component is missing, and proves that it takes files.</summary>
    /// <returns>What an operator should know.</returns>
    /// <exception cref="StorageException">It cannot be written, with the reason and the mend.</exception>
    public IReadOnlyList<string> EnsureUsable()
    {
        (TargetDecision Decision, TargetFacts Facts)? guarded = DemandPlace();
        try
        {
            _ = DurableFile.TryMakeDirectory(DirectoryPath);
            Probe();
            if (guarded is { Decision.IsFirstUse: true } first)
            {
                Guard!.Remember(first.Facts);
            }
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"The backup directory '{DirectoryPath}' cannot be written");
        }

        return guarded?.Decision.Notice is { } notice ? [notice] : [];
    }

    private (TargetDecision Decision, TargetFacts Facts)? DemandPlace()
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

        (TargetDecision Decision, TargetFacts Facts)? guarded = Guard?.Look(DirectoryPath);
        return guarded?.Decision.Refusal is { } refusal
            ? throw new StorageException($"Nothing is written: {refusal}.") : guarded;
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
