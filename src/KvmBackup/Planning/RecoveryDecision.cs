namespace KvmBackup.Planning;

/// <summary>What to do with one disk, and why.</summary>
public sealed record RecoveryDecision(RecoveryAction Action, string Reason)
{
    /// <summary>What a person can do about one that is left alone.</summary>
    public RecoveryAdvice Advice { get; init; }
}
