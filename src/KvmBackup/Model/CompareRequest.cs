namespace KvmBackup.Model;

/// <summary>A backup that an operator wants to see next to its source.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="IdPrefix">A unique beginning of its timestamp; null is the newest.</param>
/// <param name="Disks">These alone; empty is all that it holds.</param>
/// <param name="Wait">How long to wait for another run to end.</param>
public sealed record CompareRequest(DomainName Domain, string? IdPrefix, IReadOnlyList<DiskTarget> Disks, TimeSpan Wait);
