namespace KvmBackup.Archiving.Tar;

/// <summary>The result of salvaging a member.</summary>
/// <param name="Missing">Extents of lost data, ascending.</param>
/// <param name="Unproven">Extents that were unpacked from a damaged chunk: they may be wrong.</param>
/// <param name="IsComplete">The content equals the content that was read from the source.</param>
public sealed record SalvagedMember(IReadOnlyList<Extent> Missing, IReadOnlyList<Extent> Unproven, bool IsComplete);
