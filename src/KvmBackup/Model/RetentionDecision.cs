namespace KvmBackup.Model;

/// <summary>The verdict on every backup of a domain, the newest first.</summary>
public sealed record RetentionDecision(IReadOnlyList<RetentionVerdict> Verdicts);
