using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The backups of one domain, by name: those of an earlier guest of the same name lie with them.</summary>
public sealed class DomainDirectory
{
    private readonly DomainName name;
    private readonly TimeProvider time;

    internal DomainDirectory(string directoryPath, DomainName name, TimeProvider time)
    {
        DirectoryPath = directoryPath;
        this.name = name;
        this.time = time;
    }

    public string DirectoryPath { get; }

    /// <summary>Waits for the right to change these backups. Makes the domain's folder when it is missing.</summary>
    /// <exception cref="StorageException">Another holds it for longer: exit code 11.</exception>
    public async Task<DomainLock> LockAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        Guard("be made", () => DurableFile.TryMakeDirectory(DirectoryPath));
        return await DomainLock.AcquireAsync(DirectoryPath, $"The backup of '{name}'", wait, time, cancellationToken);
    }

    /// <summary>All that is there. Needs no lock: a backup appears and goes by one rename.</summary>
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
                // Without this a backup that was removed while we looked would count as damaged.
                CompletedBackup? remains = reason!.Remains is { } found ? found with { Domain = name } : null;
                unusable.Add(reason with { Remains = remains });
            }
        }

        (IReadOnlyList<CompletedBackup> current, IReadOnlyList<UnusableEntry> merged) = SupersededIncrements.Part(backups);
        (IReadOnlyList<CompletedBackup> whole, IReadOnlyList<UnusableEntry> broken) = ChainCheck.Part(current);
        return new BackupCatalogue(
            [.. whole.OrderByDescending(backup => backup.Id)],
            [.. unusable.Concat(merged).Concat(broken).OrderBy(entry => entry.Name, StringComparer.Ordinal)]);
    });

    /// <summary>The backup whose timestamp begins so; the newest when nothing is asked for.</summary>
    /// <exception cref="StorageException">There is none, or more than one, or the newest is later than the clock: the message
    /// lists what there is.</exception>
    public CompletedBackup Find(string? idPrefix) => BackupSearch.Find(name, List(), idPrefix, time.GetUtcNow());

    /// <summary>The same to verify it: one whose archive is no longer as it was is found, too.</summary>
    /// <exception cref="StorageException">There is none, or more than one: the message lists what there is.</exception>
    public CompletedBackup FindToVerify(string? idPrefix) => BackupSearch.Find(name, ListToVerify(), idPrefix, time.GetUtcNow());

    /// <summary>A backup whose manifest cannot be read, when that is what is asked for; without an ID, when it is all there is.</summary>
    /// <exception cref="StorageException">The folder cannot be read.</exception>
    public BackupWithoutManifest? FindBare(string? idPrefix)
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

    /// <summary>Why something that <see cref="FindToVerify"/> found is no backup all the same; null when it is one.</summary>
    /// <exception cref="StorageException">The folder cannot be read.</exception>
    public string? FindFault(CompletedBackup backup) =>
        List().Unusable.FirstOrDefault(entry => entry.Remains?.DirectoryPath == backup.DirectoryPath)?.Reason;

    /// <inheritdoc cref="List"/>
    /// <remarks>With those whose archive is no longer as it was, to find out where.</remarks>
    public BackupCatalogue ListToVerify() => List().WithDamaged();

    /// <summary>Begins a backup under the first free second from <paramref name="id"/> on.</summary>
    /// <exception cref="StorageException">The folder cannot be written.</exception>
    public Task<PendingBackup> BeginAsync(BackupId id, BackupKind kind, DomainLock proof)
    {
        proof.Demand(DirectoryPath);
        return Task.FromResult(Guard("take a new backup", () =>
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

    /// <summary>Begins the full backup that is to take an increment's place: of the same guest and the same instant.</summary>
    /// <exception cref="StorageException">The folder cannot be written.</exception>
    public PendingBackup BeginMerged(CompletedBackup increment, DomainLock proof)
    {
        proof.Demand(DirectoryPath);
        BackupDirectoryName merged = new(increment.Id, BackupKind.Full, BackupDirectoryState.Partial);
        return Guard("take a merged backup", () =>
        {
            using TargetFolder folder = TargetFolder.OpenDomain(DirectoryPath);

            // Whoever began one is gone: the lock is ours.
            folder.RemoveTree(merged.ToString());
            _ = folder.TryMakeFolder(merged.ToString());
            return new PendingBackup(name, merged, PathOf(merged), proof);
        });
    }

    /// <summary>Removes an increment whose place a merged backup has taken.</summary>
    /// <exception cref="StorageException">The merged one is not there, or the increment is protected.</exception>
    public void RemoveMerged(CompletedBackup increment, CompletedBackup merged, DomainLock held)
    {
        held.Demand(DirectoryPath);
        held.DemandLease();
        Remove(Guard("be looked at", () => DeletionProof.DemandMerged(DirectoryPath, increment, merged)), increment);
    }

    /// <summary>Removes what runs that died have left; <see cref="List"/> tells it beforehand.</summary>
    /// <returns>How many there were.</returns>
    /// <exception cref="StorageException">One cannot be removed.</exception>
    public int RemoveLeftovers(DomainLock proof)
    {
        proof.Demand(DirectoryPath);
        return Guard("be tidied", () =>
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

    /// <summary>Removes a backup for good.</summary>
    /// <param name="backup">Which.</param>
    /// <param name="proof">A newer good backup of the same folder: looked at again before anything goes.</param>
    /// <param name="held">The lock.</param>
    /// <exception cref="StorageException">The proof does not hold or is later than the clock, or the backup is protected.</exception>
    public void Remove(CompletedBackup backup, CompletedBackup proof, DomainLock held)
    {
        held.Demand(DirectoryPath);
        held.DemandLease();
        Remove(Guard("be looked at", () => DeletionProof.Demand(DirectoryPath, backup, proof, time.GetUtcNow())), backup);
    }

    private void Remove(DirectoryInfo doomed, CompletedBackup backup) =>
        _ = Guard($"let go of '{doomed.Name}'", () =>
        {
            // By rename first: a crash in the middle leaves a leftover, never half a backup that looks whole.
            string deleting = new BackupDirectoryName(backup.Id, backup.Manifest.Kind, BackupDirectoryState.Deleting).ToString();
            using TargetFolder folder = TargetFolder.OpenDomain(DirectoryPath);
            folder.RemoveTree(deleting);
            folder.Rename(doomed.Name, deleting);
            folder.RemoveTree(deleting);
            folder.Flush();
            return true;
        });

    /// <summary>Where a backup lies once it is published.</summary>
    public string PathOf(BackupId id, BackupKind kind) => PathOf(new BackupDirectoryName(id, kind, BackupDirectoryState.Published));

    private string PathOf(BackupDirectoryName entry) => Path.Combine(DirectoryPath, entry.ToString());

    /// <summary>Directories and links, and files that bear the name of a backup.</summary>
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

    private T Guard<T>(string what, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"The folder '{DirectoryPath}' of '{name}' cannot {what}");
        }
    }
}
