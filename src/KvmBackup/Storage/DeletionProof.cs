namespace KvmBackup.Storage;

/// <summary>Decides whether a backup may be deleted, from the current state of the disk.</summary>
internal static class DeletionProof
{
    /// <returns>The directory to remove.</returns>
    /// <exception cref="StorageException">It must not be removed; the message has the reason.</exception>
    public static DirectoryInfo Demand(
        string directoryPath, CompletedBackup backup, CompletedBackup proof, DateTimeOffset now)
    {
        CompletedBackup candidate = ExamineAgain(directoryPath, backup, backup);
        CompletedBackup newer = ExamineAgain(directoryPath, proof, backup);
        if (newer.Id <= candidate.Id)
        {
            throw Refuse(backup, $"{proof.Id} is not a newer backup");
        }

        if (newer.Id.IsInFuture(now))
        {
            throw Refuse(backup, $"{proof.Id} is later than the clock of this host ({new BackupId(now)}): one of the "
                + "two is wrong");
        }

        return candidate.IsProtected
            ? throw Refuse(backup, $"it is protected (to allow the removal, remove the file '{BackupFiles.Protected}' "
                + "in it)")
            : new DirectoryInfo(candidate.DirectoryPath);
    }

    /// <param name="directoryPath">The domain's directory.</param>
    /// <param name="increment">The increment to remove.</param>
    /// <param name="merged">The full backup of the same instant.</param>
    /// <returns>The directory to remove.</returns>
    /// <exception cref="StorageException">It must not be removed; the message has the reason.</exception>
    public static DirectoryInfo DemandMerged(
        string directoryPath, CompletedBackup increment, CompletedBackup merged)
    {
        CompletedBackup candidate = ExamineAgain(directoryPath, increment, increment);
        CompletedBackup full = ExamineAgain(directoryPath, merged, increment);
        return SupersededIncrements.Replaces(full, candidate) ? new DirectoryInfo(candidate.DirectoryPath)
            : throw Refuse(increment, $"'{Path.GetFileName(merged.DirectoryPath)}' does not replace it");
    }

    private static CompletedBackup ExamineAgain(
        string directoryPath, CompletedBackup known, CompletedBackup backup)
    {
        if (Path.GetDirectoryName(known.DirectoryPath) != directoryPath)
        {
            throw Refuse(backup, $"'{known.DirectoryPath}' is not in '{directoryPath}'");
        }

        (CompletedBackup? found, UnusableEntry? unusable) = BackupEntry.Examine(new DirectoryInfo(known.DirectoryPath));
        return found is null || found.Id != known.Id
            ? throw Refuse(backup, $"'{known.DirectoryPath}' is no longer the same backup: {unusable?.Reason}")
            : found;
    }

    private static StorageException Refuse(CompletedBackup backup, string reason) =>
        new($"The backup {backup.Id} of '{backup.Domain}' is not removed: {reason}.");
}
