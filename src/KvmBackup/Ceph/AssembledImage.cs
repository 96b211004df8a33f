namespace KvmBackup.Ceph;

/// <summary>
/// An image that is assembled during the read from the backups of its chain: each provides the extents that no later
/// one has changed. The rest is zeros.
/// </summary>
public sealed class AssembledImage : IExtentSource
{
    private const long SmallestHoleBytes = 32 * 1024;

    private readonly IReadOnlyList<(Extent Run, IExtentSource Source)> runs;

    /// <param name="sizeBytes">The size of the image.</param>
    /// <param name="links">The backups, each with its visible extents: ascending, and disjoint between backups.</param>
    public AssembledImage(long sizeBytes, IReadOnlyList<(IReadOnlyList<Extent> Visible, IExtentSource Source)> links)
    {
        SizeBytes = sizeBytes;
        runs =
        [
            .. links.SelectMany(link => link.Visible.Select(run => (run, link.Source)))
                .OrderBy(entry => entry.run.OffsetBytes),
        ];
        Extents = Extent.Coalesce(runs.Select(entry => entry.Run), SmallestHoleBytes);
    }

    public long SizeBytes { get; }

    public IReadOnlyList<Extent> Extents { get; }

    public async ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        buffer.Span.Clear();
        long end = offsetBytes + buffer.Length;
        int first = Bisection.First(runs.Count, index => runs[index].Run.EndBytes > offsetBytes);
        for (int index = first; index < runs.Count && runs[index].Run.OffsetBytes < end; index++)
        {
            (Extent run, IExtentSource source) = runs[index];
            long from = Math.Max(offsetBytes, run.OffsetBytes);
            long to = Math.Min(end, run.EndBytes);
            await source.ReadAsync(from, buffer[(int)(from - offsetBytes)..(int)(to - offsetBytes)], cancellationToken);
        }
    }
}
