namespace KvmBackup.Ceph;

/// <summary>
/// The changes of an RBD image between two snapshots, as a file for plain <c>rbd import-diff</c>, of known length; read
/// once and ascending.
/// </summary>
public sealed class RbdDiffSource : IRbdExtentSource
{
    private readonly RbdClient client;
    private readonly RbdExportRequest request;
    private RbdExport? export;

    private RbdDiffSource(RbdClient client, RbdExportRequest request)
    {
        this.client = client;
        this.request = request;
        Layout = new RbdDiffLayout(request.FromSnapshot, request.Snapshot, request.SizeBytes, request.Changes);
        Extents = [new Extent(0, Layout.LengthBytes)];
    }

    /// <summary>The changes, the size of the image, and the offsets in the file.</summary>
    public RbdDiffLayout Layout { get; }

    public long ImageSizeBytes => Layout.SizeBytes;

    public IReadOnlyList<ImageChange> Changes => Layout.Changes;

    public long SizeBytes => Layout.LengthBytes;

    public IReadOnlyList<Extent> Extents { get; }

    public string? Warning => request.Warning;

    public bool IsWaiting => export?.IsWaiting ?? false;

    /// <summary>Queries the changes, without reading data.</summary>
    /// <param name="client">Runs rbd.</param>
    /// <param name="location">The image.</param>
    /// <param name="fromSnapshot">The older snapshot.</param>
    /// <param name="snapshot">The later one.</param>
    /// <param name="isWholeObject">Query whole objects: fast on images of many TiB, but 4 MiB for each small write, and
    /// only as correct as the cluster's object map, which the exact diff does not use.</param>
    /// <param name="cancellationToken">Stops the query.</param>
    /// <exception cref="CephException">A snapshot does not exist, or the cluster does not answer.</exception>
    public static async Task<RbdDiffSource> OpenAsync(
        RbdClient client, RbdLocation location, string fromSnapshot, string snapshot, bool isWholeObject,
        CancellationToken cancellationToken) =>
        new(client, await RbdExportRequest.PrepareAsync(
            client, location, snapshot, fromSnapshot, isWholeObject ? _ => true : null, cancellationToken));

    /// <exception cref="CephException">The stream is truncated, or differs from the queried changes.</exception>
    public async ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        Layout.CopyStructure(offsetBytes, buffer.Span);
        foreach (RbdDiffPart part in Layout.Locate(offsetBytes, buffer.Length))
        {
            export ??= new RbdExport(client, request);
            await export.ReadAsync(part.ImageOffsetBytes, buffer.Slice(part.Start, part.Length), cancellationToken);
        }

        if (export is not null && offsetBytes + buffer.Length == Layout.LengthBytes)
        {
            // The end tag is returned only when all data before it are verified.
            await export.EndAsync(cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => export?.DisposeAsync() ?? ValueTask.CompletedTask;
}
