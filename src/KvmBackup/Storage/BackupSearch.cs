namespace KvmBackup.Storage;

/// <summary>Finds the backup that an operator requests.</summary>
internal static class BackupSearch
{
    private const int MaximumListed = 20;

    public static CompletedBackup Find(
        DomainName name, BackupCatalogue catalogue, string? idPrefix, DateTimeOffset now)
    {
        CompletedBackup[] future = idPrefix is null
            ? [.. catalogue.Backups.Where(backup => backup.Id.IsInFuture(now))] : [];
        if (future.Length > 0)
        {
            throw Ambiguous(name, catalogue, future, now);
        }

        CompletedBackup[] matches = idPrefix is null
            ? [.. catalogue.Backups.Take(1)]
            : [.. catalogue.Backups.Where(backup => IsMatch(Path.GetFileName(backup.DirectoryPath), idPrefix))];
        return matches.Length switch
        {
            1 => matches[0],
            0 => throw NotFound(name, catalogue, idPrefix),
            _ => throw new StorageException(
                $"'{idPrefix}' matches {matches.Length} backups of '{name}': {Ids(matches)}. Give more of the ID.",
                ExitCode.Usage),
        };
    }

    private static StorageException Ambiguous(
        DomainName name, BackupCatalogue catalogue, CompletedBackup[] future, DateTimeOffset now)
    {
        CompletedBackup chosen =
            catalogue.Backups.FirstOrDefault(backup => !future.Contains(backup)) ?? catalogue.Backups[0];
        return new StorageException(
            $"The newest backup of '{name}' is uncertain: the clock of this host shows {new BackupId(now)}, and "
            + $"{Ids(future)} {(future.Length == 1 ? "is" : "are")} later. That clock is wrong now, or a clock was "
            + "wrong when the backup was made. Give the ID of the backup, for example "
            + $"{ShellWord.Quote($"{name}@{chosen.Id}")}; there are: {Ids(catalogue.Backups)}.",
            ExitCode.Usage);
    }

    public static bool IsMatch(string directoryName, string idPrefix) =>
        idPrefix.Length > 0 && directoryName.StartsWith(idPrefix, StringComparison.OrdinalIgnoreCase);

    private static StorageException NotFound(DomainName name, BackupCatalogue catalogue, string? idPrefix)
    {
        UnusableEntry? match = catalogue.Unusable.FirstOrDefault(
            entry => idPrefix is null ? entry.Cause != UnusableCause.Foreign : IsMatch(entry.Name, idPrefix));
        string problem = idPrefix is null ? $"There is no backup of '{name}'" : $"'{name}' has no backup '{idPrefix}'";
        string unusable = match is null ? string.Empty
            : $" '{match.Name}' exists, but is not usable: {match.Reason.TrimEnd('.')}.{Advise(name, match)}";
        string others = catalogue.Backups.Count > 0 ? $" There are: {Ids(catalogue.Backups)}."
            : match is not null || idPrefix is not null ? " There is no other."
            : " To list the backups of all domains: kvmbackup list.";
        ExitCode exitCode = match?.Cause == UnusableCause.Damaged ? ExitCode.DamageFound : ExitCode.Usage;
        return new StorageException($"{problem}.{unusable}{others}", exitCode);
    }

    private static string Advise(DomainName name, UnusableEntry entry)
    {
        if (entry.DamagedBackup is not { } damaged)
        {
            return string.Empty;
        }

        string reference = ShellWord.Quote($"{name}@{damaged.Id}");
        return $" To list the damage: kvmbackup verify {reference}; to restore the rest: kvmbackup restore {reference} "
            + "--salvage --to DIR.";
    }

    private static string Ids(IReadOnlyList<CompletedBackup> backups) =>
        string.Join(", ", backups.Take(MaximumListed).Select(backup => backup.Id.ToString()))
        + (backups.Count > MaximumListed ? $" and {backups.Count - MaximumListed} older" : string.Empty);
}
