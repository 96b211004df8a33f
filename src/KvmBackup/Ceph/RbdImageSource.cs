namespace KvmBackup.Ceph;

/// <summary>
/// The whole content of an RBD image at a snapshot, as a sparse raw disk that is read once and ascending, without its
/// holes.
/// </summary>
public sealed class RbdImageSource : IRbdExtentSource
{
    /// <summary>A query of each object takes some seconds for each TiB; for larger images the object map is
    /// used.</summary>
    private const long ExactLimitBytes = 64L << 30;

    // As for files: a smaller hole is not worth an entry in the map.
    private const long SmallestHoleBytes = 32 * 1024;

    private readonly RbdClient client;
    private readonly RbdExportRequest request;
    private readonly IReadOnlyList<Extent> data;
    private RbdExport? export;
    private int next;
    private bool isEnded;

    private RbdImageSource(RbdClient client, RbdExportRequest request)
    {
        this.client = client;
        this.request = request;
        data = RbdChanges.DataExtents(request.Changes, smallestHoleBytes: 1);
        Extents = RbdChanges.DataExtents(request.Changes, SmallestHoleBytes);
    }

    public long SizeBytes => request.SizeBytes;

    public IReadOnlyList<Extent> Extents { get; }

    public long ImageSizeBytes => request.SizeBytes;

    /// <summary>Empty, because the source is the whole content.</summary>
    public IReadOnlyList<ImageChange> Changes => [];

    public string? Warning => request.Warning;

    public bool IsWaiting => export?.IsWaiting ?? false;

    /// <summary>Whether the content was found by the cluster's object map, instead of a query of each object.</summary>
    public bool IsByObjectMap => request.IsWholeObject;

    /// <summary>Queries the content of the image at the snapshot, without reading data.</summary>
    /// <exception cref="CephException">It does not exist, or the cluster does not answer.</exception>
    public static Task<RbdImageSource> OpenAsync(
        RbdClient client, RbdLocation location, string snapshot, CancellationToken cancellationToken) =>
        OpenAsync(client, location, snapshot, ExactLimitBytes, cancellationToken);

    /// <inheritdoc cref="OpenAsync(RbdClient, RbdLocation, string, CancellationToken)"/>
    /// <param name="client">Runs rbd.</param>
    /// <param name="location">The image.</param>
    /// <param name="snapshot">The snapshot at which it is read.</param>
    /// <param name="exactLimitBytes">A larger image is read by the object map.</param>
    /// <param name="cancellationToken">Stops the query.</param>
    public static async Task<RbdImageSource> OpenAsync(
        RbdClient client, RbdLocation location, string snapshot, long exactLimitBytes,
        CancellationToken cancellationToken) =>
        new(client, await RbdExportRequest.PrepareAsync(
            client, location, snapshot, fromSnapshot: null,
            facts => facts.SizeBytes > exactLimitBytes && facts.IsFastDiffValid, cancellationToken));

    /// <exception cref="CephException">The stream is truncated, or differs from the queried changes.</exception>
    public async ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            while (next < data.Count && data[next].EndBytes <= offsetBytes)
            {
                next++;
            }

            bool isInData = next < data.Count && data[next].OffsetBytes <= offsetBytes;
            long end = isInData ? data[next].EndBytes : next < data.Count ? data[next].OffsetBytes : long.MaxValue;
            int count = (int)Math.Min(buffer.Length, end - offsetBytes);
            if (isInData)
            {
                export ??= new RbdExport(client, request);
                await export.ReadAsync(offsetBytes, buffer[..count], cancellationToken);
            }
            else
            {
                buffer.Span[..count].Clear();
            }

            offsetBytes += count;
            buffer = buffer[count..];
        }

        if (export is not null && !isEnded && offsetBytes >= data[^1].EndBytes)
        {
            // The last byte is returned only when all data before it are verified.
            await export.EndAsync(cancellationToken);
            isEnded = true;
        }
    }

    public ValueTask DisposeAsync() => export?.DisposeAsync() ?? ValueTask.CompletedTask;
}
