namespace KvmBackup.Model;

/// <summary>Whether a backup may be written to the backup directory as it lies now.</summary>
/// <param name="Refusal">Why not, and what to do; null when it may.</param>
/// <param name="Notice">What an operator should know; null when there is nothing new.</param>
/// <param name="IsFirstUse">The target must be marked and remembered.</param>
public sealed record TargetDecision(string? Refusal, string? Notice, bool IsFirstUse);
