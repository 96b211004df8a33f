using KvmBackup.Storage;

namespace KvmBackup.Runs.Inspect;

/// <summary>Lists the backups, by the directory alone.</summary>
public sealed class ListRun(BackupDirectory target)
{
    /// <param name="only">One domain; null for all.</param>
    /// <exception cref="KvmBackupException">The directory cannot be read, or the domain has no backups.</exception>
    public ListReport Run(DomainName? only)
    {
        List<CompletedBackup> backups = [];
        List<string> unusable = [];
        List<string> damages = [];
        DomainFolders folders = target.ListFolders();
        List<string> unreadable = only is null ? [.. folders.Unreadable] : [];
        foreach (DomainName name in Names(folders, only))
        {
            try
            {
                BackupCatalogue catalogue = target.ForDomain(name).List();
                backups.AddRange(catalogue.Backups);
                damages.AddRange(catalogue.Damages.Select(damage => $"{name}/{damage}"));
                unusable.AddRange(catalogue.Unusable.Select(entry => $"{name}/{entry.Name}: {entry.Reason}"));
            }
            catch (StorageException failure) when (only is null)
            {
                unreadable.Add($"{name}: {failure.Message}");
            }
        }

        return new ListReport(target.DirectoryPath, backups, [.. unusable, .. unreadable])
        {
            IsIncomplete = unreadable.Count > 0,
            Damages = damages,
        };
    }

    /// <summary>Whether there is a folder for a domain of exactly that name.</summary>
    public bool Has(string name) =>
        DomainName.IsValid(name) && Directory.Exists(target.ForDomain(new DomainName(name)).DirectoryPath);

    /// <summary>Finds one backup.</summary>
    /// <exception cref="KvmBackupException">No backup, or more than one, matches.</exception>
    public CompletedBackup Show(DomainName domain, string? idPrefix) => target.ForDomain(domain).Find(idPrefix);

    private IReadOnlyList<DomainName> Names(DomainFolders folders, DomainName? only)
    {
        IReadOnlyList<DomainName> names = folders.Names;
        return only is null ? names
            : names.Contains(only) || Directory.Exists(target.ForDomain(only).DirectoryPath) ? [only]
            : throw new RunsException(
                $"There is no backup of {only} in {target.DirectoryPath}; there are backups of: "
                + $"{(names.Count == 0 ? "nothing" : string.Join(", ", names))}.", ExitCode.Usage);
    }
}
