namespace KvmBackup.Planning;

/// <summary>
/// Decides which backups of a domain are kept, with reasons. It requires a completed backup as the proof that a good
/// one
/// exists. Backups newer than the proof are always kept, and so are protected backups, backups of another guest of
/// the same
/// name, and the bases of kept backups.
/// </summary>
public static class RetentionPlanner
{
    /// <param name="policy">The rules; a policy without rules removes nothing.</param>
    /// <param name="proof">The backup that has just succeeded. Ages count from it, not from a clock: when backups stop
    /// succeeding, no backup becomes too old.</param>
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
            $"{RetentionRules.Ordinal(ranks.GetValueOrDefault(backup.Id))} newest, {RetentionRules.Describe(policy)}";
        return new RetentionDecision(
            [.. newestFirst.Select(backup => Judge(backup, proof, kept, Removal(backup)) with
            {
                NeededBy = IsSameGuest(backup, proof) ? neededBy.GetValueOrDefault(backup.Id) : null,
            })]);
    }

    /// <summary>
    /// The decision of a prune without a preceding backup. The newest completed backup that is not later than the
    /// clock is the
    /// proof, and its guest is the current guest of the directory. Without such a backup all are kept.
    /// </summary>
    public static RetentionDecision Decide(
        RetentionPolicy policy, IReadOnlyList<CompletedBackup> all, DateTimeOffset now) =>
        FindProof(all, now) is { } proof ? Decide(policy, proof, all)
        : new RetentionDecision([.. Sort(all).Select(
            backup => new RetentionVerdict(
                backup, IsKept: true, "kept: all backups are later than the clock of this host"))]);

    /// <summary>The newest backup that is not later than the clock; null for none.</summary>
    public static CompletedBackup? FindProof(IReadOnlyList<CompletedBackup> all, DateTimeOffset now) =>
        Sort(all).FirstOrDefault(backup => !backup.Id.IsInFuture(now));

    // The list often contains the proof, perhaps with another spelling of its path, and perhaps protected in the
    // meantime.
    // One ID of one guest is one backup; otherwise it would count twice and could be removed as its own predecessor.
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
        // A backup newer than the proof means that the clock was set back. Such backups do not count: they would
        // displace
        // new ones.
        CompletedBackup[] counted = [.. own.Where(backup => backup.Id <= proof.Id)];
        ILookup<BackupId, string> reasons = RetentionRules.FindReasons(policy, proof.Id, counted);
        Dictionary<BackupId, string> kept = [];
        foreach (CompletedBackup backup in own)
        {
            string? reason =
                backup.IsProtected ? "protected"
                : backup.Id > proof.Id ? $"newer than {proof.Id}, the newest backup that counts"
                : reasons.Contains(backup.Id) ? string.Join(", ", reasons[backup.Id])
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
