namespace KvmBackup.Planning;

/// <summary>
/// Decides which backups of a domain stay, and why. It takes the completed backup as proof that there is a good one:
/// what is not older than the proof always stays, and so do protected backups, backups of another guest that had the
/// same name, and whatever a kept backup is built on.
/// </summary>
public static class RetentionPlanner
{
    /// <param name="policy">The rules; a policy without any removes nothing.</param>
    /// <param name="proof">The backup that has just succeeded. Ages count from it, not from a clock: when no backup
    /// succeeds any more, nothing grows too old.</param>
    /// <param name="all">The completed backups in the domain's directory, with or without the proof, in any
    /// order.</param>
    public static RetentionDecision Decide(
        RetentionPolicy policy, CompletedBackup proof, IReadOnlyList<CompletedBackup> all)
    {
        CompletedBackup[] newestFirst = Sort([.. all, proof]);
        CompletedBackup[] own = [.. newestFirst.Where(backup => IsSameGuest(backup, proof))];
        Dictionary<BackupId, string> kept = KeptByThemselves(policy, proof, own);
        (BackupId Link, BackupId Needing)[] links = [.. BackupChain.Links(own, kept.ContainsKey)];
        Dictionary<BackupId, BackupId> neededBy = [];
        foreach ((BackupId link, BackupId needing) in links)
        {
            if (kept.TryAdd(link, $"base of {needing}"))
            {
                neededBy.Add(link, needing);
            }
        }

        Dictionary<BackupId, int> ranks = own.Select((backup, index) => (backup.Id, index + 1)).ToDictionary();
        string Removal(CompletedBackup backup) =>
            $"{RetentionRules.Ordinal(ranks.GetValueOrDefault(backup.Id))} newest, {RetentionRules.Tell(policy)}";
        return new RetentionDecision(
            [.. newestFirst.Select(backup => Judge(backup, proof, kept, Removal(backup)) with
            {
                NeededBy = IsSameGuest(backup, proof) ? neededBy.GetValueOrDefault(backup.Id) : null,
            })]);
    }

    /// <summary>
    /// For a prune without a backup before it: the newest completed one that is not later than the clock takes the proof's
    /// place, and with it the guest that the directory belongs to today. Without such a one, all stay.
    /// </summary>
    public static RetentionDecision Decide(RetentionPolicy policy, IReadOnlyList<CompletedBackup> all, DateTimeOffset now) =>
        FindProof(all, now) is { } proof ? Decide(policy, proof, all)
        : new RetentionDecision([.. Sort(all).Select(
            backup => new RetentionVerdict(backup, IsKept: true, "kept: all backups are later than the clock of this host"))]);

    /// <summary>The newest that is not later than the clock; null when there is none.</summary>
    public static CompletedBackup? FindProof(IReadOnlyList<CompletedBackup> all, DateTimeOffset now) =>
        Sort(all).FirstOrDefault(backup => !backup.Id.IsInFuture(now));

    // The proof is often in the list as well, perhaps by another spelling of its path, and perhaps protected since: one
    // identifier of one guest is one backup, or it would count twice and could be removed as its own predecessor.
    private static CompletedBackup[] Sort(IReadOnlyList<CompletedBackup> all) =>
    [
        .. all
            .OrderByDescending(backup => backup.Id)
            .ThenByDescending(backup => backup.IsProtected)
            .ThenBy(backup => backup.DirectoryPath, StringComparer.Ordinal)
            .ThenBy(backup => backup.Manifest.DomainUuid)
            .DistinctBy(backup => (backup.Manifest.DomainUuid, backup.Id)),
    ];

    private static bool IsSameGuest(CompletedBackup backup, CompletedBackup proof) =>
        backup.Manifest.DomainUuid == proof.Manifest.DomainUuid;

    private static Dictionary<BackupId, string> KeptByThemselves(
        RetentionPolicy policy, CompletedBackup proof, CompletedBackup[] own)
    {
        // Newer than the proof means that the clock went back. Such backups do not count: they would push out the ones
        // that are made now.
        CompletedBackup[] counted = [.. own.Where(backup => backup.Id <= proof.Id)];
        ILookup<BackupId, string> wishes = RetentionRules.Requests(policy, proof.Id, counted);
        Dictionary<BackupId, string> kept = [];
        foreach (CompletedBackup backup in own)
        {
            string? reason =
                backup.IsProtected ? "protected"
                : backup.Id > proof.Id ? $"newer than {proof.Id}, which this retention follows"
                : wishes.Contains(backup.Id) ? string.Join(", ", wishes[backup.Id])
                : backup.Id == proof.Id ? "the newest good one"
                : null;
            if (reason is not null)
            {
                kept.Add(backup.Id, reason);
            }
        }

        return kept;
    }

    private static RetentionVerdict Judge(
        CompletedBackup backup, CompletedBackup proof, Dictionary<BackupId, string> kept, string removal)
    {
        if (!IsSameGuest(backup, proof))
        {
            string guest = $"another guest of this name (UUID {backup.Manifest.DomainUuid})";
            return new RetentionVerdict(backup, IsKept: true, $"kept: {guest}");
        }

        return kept.TryGetValue(backup.Id, out string? reason)
            ? new RetentionVerdict(backup, IsKept: true, $"kept: {reason}")
            : new RetentionVerdict(backup, IsKept: false, $"removed: {removal}");
    }
}
