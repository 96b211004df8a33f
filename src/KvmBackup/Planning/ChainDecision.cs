using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>Whether a disk is backed up by its changes.</summary>
/// <param name="Base">What an increment stands on; null is a full backup.</param>
/// <param name="Notice">Why it is full although an increment was wanted; null when that is the usual course.</param>
public sealed record ChainDecision(ChainBase? Base, string? Notice);
