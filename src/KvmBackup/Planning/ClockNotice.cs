namespace KvmBackup.Planning;

/// <summary>What an operator should know when backups are later than the clock of this host.</summary>
public static class ClockNotice
{
    private const int MostListed = 5;

    /// <param name="all">The completed backups of a domain's directory.</param>
    /// <param name="now">The clock of this host.</param>
    /// <returns>The notice; null when no backup is later.</returns>
    public static string? Find(IReadOnlyList<CompletedBackup> all, DateTimeOffset now)
    {
        BackupId[] future = [.. all.Select(backup => backup.Id).Where(id => id.IsInFuture(now)).OrderDescending()];
        return future.Length == 0 ? null
            : $"the clock of this host is at {new BackupId(now)}, and {future.Length} of {all.Count} backup(s) are later: "
                + string.Join(", ", future.Take(MostListed).Select(id => id.ToString())) + (future.Length > MostListed ? ", .." : string.Empty)
                + ". They are kept and do not count for rotate or retain, and a new backup gets an older ID. If the clock is wrong, "
                + "correct it (timedatectl). If it is right, they were made while it was wrong: remove their directories once you "
                + "have newer good backups";
    }

    /// <summary>The ID of a new backup: later than any other that the clocks of hosts, which differ a little, explain.</summary>
    public static BackupId NextId(IReadOnlyList<CompletedBackup> all, DateTimeOffset now)
    {
        BackupId id = new(now);
        BackupId? newest = all.Select(backup => backup.Id).Where(other => !other.IsInFuture(now)).Max();
        return newest is not null && newest >= id ? new BackupId(newest.Instant.AddSeconds(1)) : id;
    }
}
