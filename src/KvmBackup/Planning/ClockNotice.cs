namespace KvmBackup.Planning;

/// <summary>A notice about backups that are later than this host's clock.</summary>
public static class ClockNotice
{
    private const int MaximumListed = 5;

    /// <param name="all">The completed backups of a domain's directory.</param>
    /// <param name="now">The time of this host.</param>
    /// <returns>The notice; null when no backup is later.</returns>
    public static string? Find(IReadOnlyList<CompletedBackup> all, DateTimeOffset now)
    {
        BackupId[] future = [.. all.Select(backup => backup.Id).Where(id => id.IsInFuture(now)).OrderDescending()];
        return future.Length == 0 ? null
            : $"the clock of this host shows {new BackupId(now)}, and {future.Length} of {all.Count} backup(s) are "
                + "later: "
                + string.Join(", ", future.Take(MaximumListed).Select(id => id.ToString()))
                + (future.Length > MaximumListed ? ", .." : string.Empty)
                + ". They are kept and do not count for rotate or retain, and a new backup gets an older ID. If the "
                + "clock is wrong, correct it (timedatectl). If it is right, they were made while it was wrong: "
                + "remove their directories when newer good backups exist";
    }

    /// <summary>The ID of a new backup: later than every other one within the tolerance between the hosts'
    /// clocks.</summary>
    public static BackupId NextId(IReadOnlyList<CompletedBackup> all, DateTimeOffset now)
    {
        BackupId id = new(now);
        BackupId? newest = all.Select(backup => backup.Id).Where(other => !other.IsInFuture(now)).Max();
        return newest is not null && newest >= id ? new BackupId(newest.Instant.AddSeconds(1)) : id;
    }
}
