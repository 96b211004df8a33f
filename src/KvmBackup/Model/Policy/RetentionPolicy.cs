namespace KvmBackup.Model.Policy;

/// <summary>
/// How long backups stay. A backup stays when any rule wants it; the newest good one always does. A zero count or a
/// null age is a rule that is not there.
/// </summary>
/// <param name="Last">The newest so many, the newest included; <c>rotate</c> is this.</param>
/// <param name="Daily">The newest of each of the last so many days that have one.</param>
/// <param name="Weekly">The same for ISO weeks.</param>
/// <param name="Monthly">The same for months.</param>
/// <param name="Yearly">The same for years.</param>
/// <param name="Age">All that are younger than this.</param>
public sealed record RetentionPolicy(
    int Last = 0, int Daily = 0, int Weekly = 0, int Monthly = 0, int Yearly = 0, TimeSpan? Age = null);

/// <summary>What happens to one backup, and why.</summary>
public sealed record RetentionVerdict(CompletedBackup Backup, bool IsKept, string Reason)
{
    /// <summary>The backup that cannot be restored without this one, which nothing else keeps; null otherwise.</summary>
    public BackupId? NeededBy { get; init; }
}

/// <summary>The verdict on every backup of a domain, the newest first.</summary>
public sealed record RetentionDecision(IReadOnlyList<RetentionVerdict> Verdicts);
