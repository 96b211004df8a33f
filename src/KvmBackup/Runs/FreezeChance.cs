namespace KvmBackup.Runs;

/// <summary>Whether a guest can be frozen.</summary>
/// <param name="Obstacle">Why not; null while nothing speaks against it.</param>
/// <param name="Limit">The longest that it may stay frozen.</param>
public sealed record FreezeChance(string? Obstacle, TimeSpan Limit);
