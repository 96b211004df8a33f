using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The backups of one domain name, including those of an earlier guest of the same name.</summary>
public sealed class DomainDirectory
{
    private readonly DomainName name;
    private readonly TimeProvider time;
    private readonly HostIdentity host;

    internal DomainDirectory(string directoryPath, DomainName name, TimeProvider time, HostIdentity host)
    {
        DirectoryPath = directoryPath;
        this.name = name;
        this.time = time;
        this.host = host;
    }

    public string DirectoryPath { get; }

    /// <summary>Waits for the right to change these backups. Creates the domain's folder when it is missing.</summary>
    /// <exception cref="StorageException">Another run holds it for longer: exit code 11.</exception>
    public async Task<DomainLock> LockAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        Guard("be created", () => DurableFile.TryMakeDirectory(DirectoryPath));
        return await DomainLock.AcquireAsync(
            DirectoryPath, host, $"The backup of '{name}'", wait, time, cancellationToken);
    }

    /// <summary>All entries of the folder. Requires no lock: a backup is published and removed by one rename.</summary>
    /// <exception cref="StorageException">The folder cannot be read.</exception>
    public BackupCatalogue List() => Guard("be listed", () =>
    {
        List<CompletedBackup> backups = [];
        List<UnusableEntry> unusable = [];
        foreach (TargetName folder in Entries())
        {
            DirectoryInfo entry = new(Path.Combine(DirectoryPath, folder.Text));
            (CompletedBackup? backup, UnusableEntry? reason) = BackupEntry.Examine(entry);
            if (backup is not null)
            {
                backups.Add(backup with { Domain = name });
            }
            else if (!folder.IsExact || Path.Exists(entry.FullName) || entry.LinkTarget is not null)
            {
                // Without this check a backup removed by another run during the listing would count as damaged.
                CompletedBackup? damaged = reason!.DamagedBackup is { } found ? found with { Domain = name } : null;
                unusable.Add(reason with { DamagedBackup = damaged });
            }
        }

        (IReadOnlyList<CompletedBackup> current, IReadOnlyList<UnusableEntry> merged) =
            SupersededIncrements.Split(backups);
        (IReadOnlyList<CompletedBackup> complete, IReadOnlyList<UnusableEntry> broken) = ChainCheck.Split(current);
        return new BackupCatalogue(
            DirectoryPath,
            [.. complete.OrderByDescending(backup => backup.Id)],
            [.. unusable.Concat(merged).Concat(broken).OrderBy(entry => entry.Name, StringComparer.Ordinal)]);
    });

    /// <summary>The backup whose timestamp has the given prefix; without a prefix the newest.</summary>
    /// <exception cref="StorageException">No or several backups match, or the newest is later than the clock: the
    /// message lists
    /// the existing ones.</exception>
    public CompletedBackup Find(string? idPrefix) => BackupSearch.Find(name, List(), idPrefix, time.GetUtcNow());

    /// <summary>The same for a verification: backups with a damaged archive are found, too.</summary>
    /// <exception cref="StorageException">No or several backups match: the message lists the existing ones.</exception>
    public CompletedBackup FindToVerify(string? idPrefix) =>
        BackupSearch.Find(name, ListToVerify(), idPrefix, time.GetUtcNow());

    /// <summary>The requested backup when its manifest cannot be read; without an ID, the only backup.</summary>
    /// <exception cref="StorageException">The folder cannot be read.</exception>
    public BackupWithoutManifest? FindWithoutManifest(string? idPrefix)
    {
        BackupCatalogue catalogue = ListToVerify();
        bool isOther = catalogue.Backups.Any(
            backup => idPrefix is null || BackupSearch.IsMatch(Path.GetFileName(backup.DirectoryPath), idPrefix));
        BackupWithoutManifest[] found = isOther ? [] : [.. catalogue.Unusable
            .Where(entry => entry.Cause is UnusableCause.Damaged or UnusableCause.Unreadable
                && (idPrefix is null || BackupSearch.IsMatch(entry.Name, idPrefix)))
            .Select(entry => BackupWithoutManifest.Find(DirectoryPath, name, entry)).OfType<BackupWithoutManifest>()];
        return found.Length == 1 ? found[0] : null;
    }

    /// <summary>Why a backup of <see cref="FindToVerify"/> is not usable; null when it is.</summary>
    /// <exception cref="StorageException">The folder cannot be read.</exception>
    public string? FindFault(CompletedBackup backup) =>
        List().Unusable.FirstOrDefault(entry => entry.DamagedBackup?.DirectoryPath == backup.DirectoryPath)?.Reason;

    /// <inheritdoc cref="List"/>
    /// <remarks>Includes backups with a damaged archive, to locate the damage.</remarks>
    public BackupCatalogue ListToVerify() => List().WithDamaged();

    /// <summary>Begins a backup with the first free ID from <paramref name="id"/> on.</summary>
    /// <exception cref="StorageException">The folder cannot be written.</exception>
    public Task<PendingBackup> BeginAsync(BackupId id, BackupKind kind, DomainLock proof)
    {
        proof.Demand(DirectoryPath);
        return Task.FromResult(Guard("receive a new backup", () =>
        {
            HashSet<BackupId?> taken = [.. Entries().Select(entry => BackupDirectoryName.Parse(entry.Text)?.Id)];
            BackupDirectoryName free = new(id, kind, BackupDirectoryState.Partial);
            using TargetFolder folder = TargetFolder.OpenDomain(DirectoryPath);
            while (taken.Contains(free.Id) || !folder.TryMakeFolder(free.ToString()))
            {
                free = free with { Id = new BackupId(free.Id.Instant.AddSeconds(1)) };
            }

            return new PendingBackup(name, free, PathOf(free), proof);
        }));
    }

    /// <summary>Begins the full backup that replaces an increment: of the same guest and the same instant.</summary>
    /// <exception cref="StorageException">The folder cannot be written.</exception>
    public PendingBackup BeginMerged(CompletedBackup increment, DomainLock proof)
    {
        proof.Demand(DirectoryPath);
        BackupDirectoryName merged = new(increment.Id, BackupKind.Full, BackupDirectoryState.Partial);
        return Guard("receive a merged backup", () =>
        {
            using TargetFolder folder = TargetFolder.OpenDomain(DirectoryPath);

            // An existing one is a leftover, because this run holds the lock.
            folder.RemoveTree(merged.ToString());
            _ = folder.TryMakeFolder(merged.ToString());
            return new PendingBackup(name, merged, PathOf(merged), proof);
        });
    }

    /// <summary>Removes an increment that a merged backup has replaced.</summary>
    /// <exception cref="StorageException">The merged backup does not exist, or the increment is protected.</exception>
    public void RemoveMerged(CompletedBackup increment, CompletedBackup merged, DomainLock held)
    {
        held.Demand(DirectoryPath);
        held.DemandLease();
        Remove(Guard("be read", () => DeletionProof.DemandMerged(DirectoryPath, increment, merged)), increment);
    }

    /// <summary>Removes the leftovers of interrupted runs, as <see cref="List"/> reports them.</summary>
    /// <returns>Number of leftovers.</returns>
    /// <exception cref="StorageException">A leftover cannot be removed.</exception>
    public int RemoveLeftovers(DomainLock proof)
    {
        proof.Demand(DirectoryPath);
        return Guard("be cleaned up", () =>
        {
            string[] leftovers = [.. List().Unusable.Where(entry => entry.Cause == UnusableCause.Leftover)
                .Select(entry => entry.Name)];
            if (leftovers.Length > 0)
            {
                using TargetFolder folder = TargetFolder.OpenDomain(DirectoryPath);
                Array.ForEach(leftovers, folder.RemoveTree);
                folder.Flush();
            }

            return leftovers.Length;
        });
    }

    /// <summary>Removes a backup.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="proof">A newer good backup of the same folder: it is examined again before the removal.</param>
    /// <param name="held">The lock.</param>
    /// <exception cref="StorageException">The proof is not good or later than the clock, or the backup is
    /// protected.</exception>
    public void Remove(CompletedBackup backup, CompletedBackup proof, DomainLock held)
    {
        held.Demand(DirectoryPath);
        held.DemandLease();
        Remove(
            Guard("be read", () => DeletionProof.Demand(DirectoryPath, backup, proof, time.GetUtcNow())), backup);
    }

    private void Remove(DirectoryInfo directory, CompletedBackup backup) =>
        _ = Guard($"remove '{directory.Name}'", () =>
        {
            // Renamed first: an interruption leaves a leftover, never a partial backup that looks complete.
            BackupDirectoryName name = new(backup.Id, backup.Manifest.Kind, BackupDirectoryState.Deleting);
            string deleting = name.ToString();
            using TargetFolder folder = TargetFolder.OpenDomain(DirectoryPath);
            folder.RemoveTree(deleting);
            folder.Rename(directory.Name, deleting);
            folder.RemoveTree(deleting);
            folder.Flush();
            return true;
        });

    /// <summary>The path of a backup after it is published.</summary>
    public string PathOf(BackupId id, BackupKind kind) =>
        PathOf(new BackupDirectoryName(id, kind, BackupDirectoryState.Published));

    /// <summary>The path of a backup until it is published.</summary>
    public string PendingPathOf(BackupId id, BackupKind kind) =>
        PathOf(new BackupDirectoryName(id, kind, BackupDirectoryState.Partial));

    private string PathOf(BackupDirectoryName entry) => Path.Combine(DirectoryPath, entry.ToString());

    /// <summary>Directories, links, and files that have the name of a backup.</summary>
    private List<TargetName> Entries()
    {
        try
        {
            using TargetFolder folder = TargetFolder.OpenDomain(DirectoryPath);
            return [.. folder.List().Where(entry => entry.Status.IsFolder || entry.Status.IsLink
                || BackupDirectoryName.Parse(entry.Text) is not null)];
        }
        catch (FileNotFoundException)
        {
            return [];
        }
    }

    private T Guard<T>(string action, Func<T> perform)
    {
        try
        {
            return perform();
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"The folder '{DirectoryPath}' of '{name}' cannot {action}");
        }
    }
}
