using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The only owner of the backup directory: names, completeness, order, deletion, locks.</summary>
/// <param name="directoryPath">The backups of one host: a folder for each domain.</param>
/// <param name="time">The clock for locks.</param>
public sealed class BackupDirectory(string directoryPath, TimeProvider time)
{
    public string DirectoryPath { get; } = Path.GetFullPath(directoryPath);

    /// <summary>Recognizes the directory's file system; null when this is not required.</summary>
    public TargetGuard? Guard { get; init; }

    /// <summary>The host that takes leases.</summary>
    public HostIdentity Host { get; init; } = HostIdentity.This;

    /// <summary>Free space on its file system for this user; that of the parent when the directory does not exist
    /// yet.</summary>
    /// <exception cref="StorageException">The parent does not exist either, or the file system does not
    /// respond.</exception>
    public long AvailableBytes
    {
        get
        {
            try
            {
                string path = Directory.Exists(DirectoryPath)
                    ? DirectoryPath : Path.GetDirectoryName(DirectoryPath) ?? "/";
                return new DriveInfo(path).AvailableFreeSpace;
            }
            catch (Exception failure) when (StorageException.IsExpected(failure))
            {
                throw StorageException.From(failure, $"Cannot determine the free space in '{DirectoryPath}'");
            }
        }
    }

    /// <summary>Checks whether backups can be written, without writing.</summary>
    /// <returns>The state of the directory, for messages.</returns>
    /// <exception cref="StorageException">Backups cannot be written; the message has the reason and what to
    /// do.</exception>
    public string CheckWritable()
    {
        (TargetDecision Decision, TargetFacts Facts)? guarded = DemandPlace();
        bool exists = Directory.Exists(DirectoryPath);
        string folder = exists ? DirectoryPath : Path.GetDirectoryName(DirectoryPath)!;
        try
        {
            DurableFile.DemandWritable(folder);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"The backup directory '{DirectoryPath}' cannot be written");
        }

        string place = guarded is { } state ? $" on {state.Facts.MountPoint} ({state.Facts.Source})" : string.Empty;
        string free = ByteSize.Format(AvailableBytes);
        string marker = guarded is { Decision.IsFirstUse: true } ? "; the next run writes the marker "
            + "file" : string.Empty;
        return exists ? $"{DirectoryPath}{place} can be written; {free} free{marker}"
            : $"{DirectoryPath}{place} is created by the first run; {free} free";
    }

    /// <summary>Creates the directory if only its last component is missing, and proves that files can be
    /// written.</summary>
    /// <returns>Notices for the operator.</returns>
    /// <exception cref="StorageException">It cannot be written; the message has the reason and what to do.</exception>
    public IReadOnlyList<string> EnsureUsable()
    {
        (TargetDecision Decision, TargetFacts Facts)? guarded = DemandPlace();
        try
        {
            _ = DurableFile.TryMakeDirectory(DirectoryPath);
            Probe();
            if (guarded is { Decision.IsFirstUse: true } first)
            {
                Guard!.Record(first.Facts);
            }
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"The backup directory '{DirectoryPath}' cannot be written");
        }

        return guarded?.Decision.Notice is { } notice ? [notice] : [];
    }

    /// <summary>Refuses a target that is not mounted. Its empty mount point is no proof that backups were
    /// deleted.</summary>
    /// <exception cref="StorageException">It is not the expected file system, with what to do.</exception>
    public void DemandMounted() => _ = DemandPlace("Nothing was removed");

    private (TargetDecision Decision, TargetFacts Facts)? DemandPlace(string outcome = "Nothing is written")
    {
        if (File.Exists(DirectoryPath))
        {
            throw new StorageException(
                $"The backup directory '{DirectoryPath}' is a file. Set backupdir to a directory.");
        }

        if (!Directory.Exists(DirectoryPath) && !Directory.Exists(Path.GetDirectoryName(DirectoryPath)))
        {
            throw new StorageException(
                $"The backup directory '{DirectoryPath}' does not exist, and its parent directory does not exist "
                + "either. Is the share mounted?");
        }

        (TargetDecision Decision, TargetFacts Facts)? guarded = Guard?.Inspect(DirectoryPath);
        return guarded?.Decision.Refusal is { } refusal
            ? throw new StorageException($"{outcome}: {refusal}.") : guarded;
    }

    public DomainDirectory ForDomain(DomainName name) =>
        new(Path.Combine(DirectoryPath, name.FileName), name, time, Host);

    /// <summary>The domains with at least one entry that is, was or will be a backup, by name.</summary>
    /// <exception cref="StorageException">The directory cannot be read.</exception>
    public IReadOnlyList<DomainName> ListDomains() => ListFolders().Names;

    /// <inheritdoc cref="ListDomains"/>
    /// <remarks>Includes the folders that cannot be read.</remarks>
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

    /// <returns>The domain whose folder has that name; null when no domain's folder has it.</returns>
    private static DomainName? DecodeName(string folderName)
    {
        // Uri leaves invalid escapes unchanged; encoding the name again proves that the folder is ours.
        string decoded = Uri.UnescapeDataString(folderName);
        return DomainName.IsValid(decoded) && new DomainName(decoded) is { } name && name.FileName == folderName
            ? name : null;
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
