namespace KvmBackup.Planning;

/// <summary>What to do with one disk, and why.</summary>
public sealed record RecoveryDecision(RecoveryAction Action, string Reason);
