namespace KvmBackup.Storage;

/// <summary>Decides whether a backup may go, by what is on disk now and not by what somebody remembers.</summary>
internal static class DeletionProof
{
    /// <returns>The directory that may be removed.</returns>
    /// <exception cref="StorageException">It may not, and why.</exception>
    public static DirectoryInfo Demand(string directoryPath, CompletedBackup backup, CompletedBackup proof, DateTimeOffset now)
    {
        CompletedBackup doomed = LookAgain(directoryPath, backup, backup);
        CompletedBackup standing = LookAgain(directoryPath, proof, backup);
        if (standing.Id <= doomed.Id)
        {
            throw Refuse(backup, $"{proof.Id} is not a newer backup");
        }

        if (standing.Id.IsInFuture(now))
        {
            throw Refuse(backup, $"{proof.Id} is later than the clock of this host ({new BackupId(now)}): one of the two is wrong");
        }

        return doomed.IsProtected
            ? throw Refuse(backup, $"it is protected (remove the file '{BackupFiles.Protected}' in it to change that)")
            : new DirectoryInfo(doomed.DirectoryPath);
    }

    /// <param name="increment">What is to go.</param>
    /// <param name="merged">The full backup of the same instant.</param>
    /// <returns>The directory that may be removed.</returns>
    /// <exception cref="StorageException">It may not, and why.</exception>
    public static DirectoryInfo DemandMerged(string directoryPath, CompletedBackup increment, CompletedBackup merged)
    {
        CompletedBackup doomed = LookAgain(directoryPath, increment, increment);
        CompletedBackup standing = LookAgain(directoryPath, merged, increment);
        return SupersededIncrements.Replaces(standing, doomed) ? new DirectoryInfo(doomed.DirectoryPath)
            : throw Refuse(increment, $"'{Path.GetFileName(merged.DirectoryPath)}' does not take its place");
    }

    private static CompletedBackup LookAgain(string directoryPath, CompletedBackup remembered, CompletedBackup backup)
    {
        if (Path.GetDirectoryName(remembered.DirectoryPath) != directoryPath)
        {
            throw Refuse(backup, $"'{remembered.DirectoryPath}' is not in '{directoryPath}'");
        }

        (CompletedBackup? found, UnusableEntry? unusable) =
            BackupEntry.Examine(new DirectoryInfo(remembered.DirectoryPath));
        return found is null || found.Id != remembered.Id
            ? throw Refuse(backup, $"'{remembered.DirectoryPath}' is no longer the backup it was: {unusable?.Reason}")
            : found;
    }

    private static StorageException Refuse(CompletedBackup backup, string reason) =>
        new($"The backup {backup.Id} of '{backup.Domain}' is not removed: {reason}.");
}
