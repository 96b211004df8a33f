namespace KvmBackup.Ceph;

/// <summary>
/// An image that is put together while it is read, from the backups of its chain: each gives the runs of its data that no
/// later one has changed. The rest is zeros.
/// </summary>
public sealed class AssembledImage : IExtentSource
{
    private const long SmallestHoleBytes = 32 * 1024;

    private readonly IReadOnlyList<(Extent Run, IExtentSource Source)> runs;

    /// <param name="sizeBytes">Of the image.</param>
    /// <param name="links">What each gives: ascending runs, which no two have in common.</param>
    public AssembledImage(long sizeBytes, IReadOnlyList<(IReadOnlyList<Extent> Visible, IExtentSource Source)> links)
    {
        SizeBytes = sizeBytes;
        runs = [.. links.SelectMany(link => link.Visible.Select(run => (run, link.Source))).OrderBy(entry => entry.run.OffsetBytes)];
        Extents = RbdChanges.DataExtents(
            [.. runs.Select(entry => new ImageChange(entry.Run.OffsetBytes, entry.Run.LengthBytes, IsData: true))], SmallestHoleBytes);
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
