namespace KvmBackup.Archiving.Tar;

/// <summary>What could be had of a member.</summary>
/// <param name="Missing">Runs of data that are lost, ascending.</param>
/// <param name="Unproven">Runs that were unpacked from a damaged chunk: they may be wrong.</param>
/// <param name="IsWhole">The content is all that was read from its source.</param>
public sealed record SalvagedMember(IReadOnlyList<Extent> Missing, IReadOnlyList<Extent> Unproven, bool IsWhole);
