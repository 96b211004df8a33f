namespace KvmBackup.Storage;

/// <summary>Finds the backup an operator means.</summary>
internal static class BackupSearch
{
    private const int MostListed = 20;

    public static CompletedBackup Find(DomainName name, BackupCatalogue catalogue, string? idPrefix, DateTimeOffset now)
    {
        CompletedBackup[] future = idPrefix is null ? [.. catalogue.Backups.Where(backup => backup.Id.IsInFuture(now))] : [];
        if (future.Length > 0)
        {
            throw Unclear(name, catalogue, future, now);
        }

        CompletedBackup[] matches = idPrefix is null
            ? [.. catalogue.Backups.Take(1)]
            : [.. catalogue.Backups.Where(backup => IsMatch(Path.GetFileName(backup.DirectoryPath), idPrefix))];
        return matches.Length switch
        {
            1 => matches[0],
            0 => throw None(name, catalogue, idPrefix),
            _ => throw new StorageException(
                $"'{idPrefix}' could be any of {matches.Length} backups of '{name}': {Ids(matches)}. Type more of it.",
                ExitCode.Usage),
        };
    }

    private static StorageException Unclear(
        DomainName name, BackupCatalogue catalogue, CompletedBackup[] future, DateTimeOffset now)
    {
        CompletedBackup chosen = catalogue.Backups.FirstOrDefault(backup => !future.Contains(backup)) ?? catalogue.Backups[0];
        return new StorageException(
            $"The newest backup of '{name}' is unclear: the clock of this host is at {new BackupId(now)}, and {Ids(future)} "
            + $"{(future.Length == 1 ? "is" : "are")} later. That clock is wrong now, or a clock was wrong when the backup was made. "
            + $"Type the ID of the backup that you want, for example {ShellWord.Quote($"{name}@{chosen.Id}")}; there are: "
            + $"{Ids(catalogue.Backups)}.",
            ExitCode.Usage);
    }

    public static bool IsMatch(string directoryName, string idPrefix) =>
        idPrefix.Length > 0 && directoryName.StartsWith(idPrefix, StringComparison.OrdinalIgnoreCase);

    private static StorageException None(DomainName name, BackupCatalogue catalogue, string? idPrefix)
    {
        UnusableEntry? asked = catalogue.Unusable.FirstOrDefault(
            entry => idPrefix is null ? entry.Cause != UnusableCause.Foreign : IsMatch(entry.Name, idPrefix));
        string what = idPrefix is null ? $"There is no backup of '{name}'" : $"'{name}' has no backup '{idPrefix}'";
        string unusable = asked is null
            ? string.Empty
            : $" '{asked.Name}' is there, but is not usable: {asked.Reason.TrimEnd('.')}."
                + (asked.Remains is { } remains ? $" What of it is lost says: kvmbackup verify {ShellWord.Quote($"{name}@{remains.Id}")}; the rest comes with: "
                    + $"kvmbackup restore {ShellWord.Quote($"{name}@{remains.Id}")} --salvage --to DIR." : string.Empty);
        string rest = catalogue.Backups.Count > 0 ? $" There are: {Ids(catalogue.Backups)}."
            : asked is not null || idPrefix is not null ? " There is no other."
            : " What there is, of all domains, shows: kvmbackup list.";
        ExitCode exitCode = asked?.Cause == UnusableCause.Damaged ? ExitCode.DamageFound : ExitCode.Usage;
        return new StorageException($"{what}.{unusable}{rest}", exitCode);
    }

    private static string Ids(IReadOnlyList<CompletedBackup> backups) =>
        string.Join(", ", backups.Take(MostListed).Select(backup => backup.Id.ToString()))
        + (backups.Count > MostListed ? $" and {backups.Count - MostListed} older" : string.Empty);
}
