using KvmBackup.Model;
using KvmBackup.Storage;

namespace KvmBackup.Runs;

/// <summary>The backups there are, read from the directory alone.</summary>
public sealed class ListRun(BackupDirectory target)
{
    /// <param name="only">One domain; null is all.</param>
    /// <exception cref="KvmBackupException">The directory cannot be read, or the domain has nothing there.</exception>
    public ListReport Run(DomainName? only)
    {
        List<CompletedBackup> backups = [];
        List<string> unusable = [];
        List<string> damages = [];
        foreach (DomainName name in Names(only))
        {
            BackupCatalogue catalogue = target.ForDomain(name).List();
            backups.AddRange(catalogue.Backups);
            unusable.AddRange(catalogue.Unusable.Select(entry => $"{name}/{entry.Name}: {entry.Reason}"));
            damages.AddRange(catalogue.Damages.Select(damage => $"{name}/{damage}"));
        }

        return new ListReport(target.DirectoryPath, backups, unusable) { Damages = damages };
    }

    /// <summary>One backup in full.</summary>
    /// <exception cref="KvmBackupException">There is none by that name, or more than one.</exception>
    public CompletedBackup Show(DomainName domain, string? idPrefix) => target.ForDomain(domain).Find(idPrefix);

    private IReadOnlyList<DomainName> Names(DomainName? only)
    {
        IReadOnlyList<DomainName> names = target.ListDomains();
        return only is null ? names
            : names.Contains(only) ? [only]
            : throw new RunsException(
                $"There is no backup of {only} in {target.DirectoryPath}; there are backups of: "
                + $"{(names.Count == 0 ? "nothing" : string.Join(", ", names))}.", ExitCode.Usage);
    }
}
