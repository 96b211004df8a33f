namespace KvmBackup.Hypervisor;

/// <summary>What came of an attempt to let a guest write to a file.</summary>
/// <param name="IsChanged">The profile was changed, so that the next attempt may succeed.</param>
/// <param name="Text">What was done, or why nothing was done; part of a sentence.</param>
public sealed record ProfileChange(bool IsChanged, string Text);
