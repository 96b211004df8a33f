namespace KvmBackup.Model.Policy;

/// <summary>
/// The retention rules of a domain. A backup stays when any rule keeps it; the newest good one always stays. A zero
/// count
/// or a null age is no rule.
/// </summary>
/// <param name="Last">Number of newest backups to keep; <c>rotate</c> sets it.</param>
/// <param name="Daily">Number of days, among those with a backup, whose newest backup is kept.</param>
/// <param name="Weekly">The same for ISO weeks.</param>
/// <param name="Monthly">The same for months.</param>
/// <param name="Yearly">The same for years.</param>
/// <param name="Age">Backups younger than this are kept.</param>
public sealed record RetentionPolicy(
    int Last = 0, int Daily = 0, int Weekly = 0, int Monthly = 0, int Yearly = 0, TimeSpan? Age = null);

/// <summary>The decision on one backup, with the reason.</summary>
public sealed record RetentionVerdict(CompletedBackup Backup, bool IsKept, string Reason)
{
    /// <summary>The backup whose restore requires this one, when nothing else keeps it; null otherwise.</summary>
    public BackupId? NeededBy { get; init; }
}

/// <summary>The decision on every backup of a domain, the newest first.</summary>
public sealed record RetentionDecision(IReadOnlyList<RetentionVerdict> Verdicts);
