namespace KvmBackup.Ceph;

/// <summary>
/// What changed in an RBD image between two snapshots, as a file that plain <c>rbd import-diff</c> takes, of a length
/// that is known beforehand; read once and ascending.
/// </summary>
public sealed class RbdDiffSource : IExtentSource, IAsyncDisposable
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

    /// <summary>The changes, the size of the image, and where each lies in the file.</summary>
    public RbdDiffLayout Layout { get; }

    public long SizeBytes => Layout.LengthBytes;

    public IReadOnlyList<Extent> Extents { get; }

    /// <summary>What an operator must know of the image; null for nothing.</summary>
    public string? Warning => request.Warning;

    /// <summary>Whether the cluster lets wait just now.</summary>
    public bool IsWaiting => export?.IsWaiting ?? false;

    /// <summary>Asks what changed; nothing is read yet.</summary>
    /// <param name="client">Asks.</param>
    /// <param name="location">The image.</param>
    /// <param name="fromSnapshot">The older snapshot.</param>
    /// <param name="snapshot">The later one.</param>
    /// <param name="isWholeObject">Takes whole objects: quick on images of many TiB, but 4 MiB for each small write, and
    /// only as right as the cluster's map of objects. The exact diff does not use that map.</param>
    /// <param name="cancellationToken">Ends the asking.</param>
    /// <exception cref="CephException">A snapshot is not there, or the cluster cannot be asked.</exception>
    public static async Task<RbdDiffSource> OpenAsync(
        RbdClient client, RbdLocation location, string fromSnapshot, string snapshot, bool isWholeObject,
        CancellationToken cancellationToken) =>
        new(client, await RbdExportRequest.PrepareAsync(
            client, location, snapshot, fromSnapshot, isWholeObject ? _ => true : null, cancellationToken));

    /// <exception cref="CephException">What came is not what was told, or broke off.</exception>
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
            // The end mark is given out only when all that came before is proven.
            await export.EndAsync(cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => export?.DisposeAsync() ?? ValueTask.CompletedTask;
}
