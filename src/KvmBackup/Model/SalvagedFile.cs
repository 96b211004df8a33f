namespace KvmBackup.Model;

/// <summary>One file out of a damaged backup.</summary>
/// <param name="FilePath">Where it was written.</param>
/// <param name="SizeBytes">Its size.</param>
/// <param name="IsWhole">Its content is proven to be that which was read from its source.</param>
/// <param name="Missing">Runs of data that are lost, ascending; zeros stand in their place.</param>
public sealed record SalvagedFile(string FilePath, long SizeBytes, bool IsWhole, IReadOnlyList<Extent> Missing)
{
    /// <summary>Runs that were unpacked from a damaged place, ascending: they may be wrong.</summary>
    public IReadOnlyList<Extent> Unproven { get; init; } = [];
}
