using KvmBackup.Hypervisor;

namespace KvmBackup.Runs;

/// <summary>A frozen guest, or why it is not.</summary>
public sealed record FreezeResult(FrozenGuest? Guest, string? Obstacle);
