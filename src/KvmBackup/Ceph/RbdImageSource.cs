namespace KvmBackup.Ceph;

/// <summary>
/// An RBD image at a snapshot, all of it, as a sparse raw disk that is read once and ascending: only what the image holds
/// is transferred.
/// </summary>
public sealed class RbdImageSource : IExtentSource, IAsyncDisposable
{
    /// <summary>To ask for each object costs some seconds for each TiB; from here on the map of objects answers.</summary>
    private const long ExactLimitBytes = 64L << 30;

    // As for files: less is not worth an entry in the map of holes.
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

    /// <summary>What an operator must know of the image; null for nothing.</summary>
    public string? Warning => request.Warning;

    /// <summary>Whether the cluster lets wait just now.</summary>
    public bool IsWaiting => export?.IsWaiting ?? false;

    /// <summary>Whether the cluster's map of objects was believed, instead of asking for each.</summary>
    public bool IsByObjectMap => request.IsWholeObject;

    /// <summary>Asks what the image holds at the snapshot; nothing is read yet.</summary>
    /// <exception cref="CephException">It is not there, or the cluster cannot be asked.</exception>
    public static Task<RbdImageSource> OpenAsync(
        RbdClient client, RbdLocation location, string snapshot, CancellationToken cancellationToken) =>
        OpenAsync(client, location, snapshot, ExactLimitBytes, cancellationToken);

    /// <inheritdoc cref="OpenAsync(RbdClient, RbdLocation, string, CancellationToken)"/>
    /// <param name="client">Asks.</param>
    /// <param name="location">The image.</param>
    /// <param name="snapshot">At which it is read.</param>
    /// <param name="exactLimitBytes">A larger image is read by the map of objects.</param>
    /// <param name="cancellationToken">Ends the asking.</param>
    public static async Task<RbdImageSource> OpenAsync(
        RbdClient client, RbdLocation location, string snapshot, long exactLimitBytes, CancellationToken cancellationToken) =>
        new(client, await RbdExportRequest.PrepareAsync(
            client, location, snapshot, fromSnapshot: null,
            facts => facts.SizeBytes > exactLimitBytes && facts.IsFastDiffValid, cancellationToken));

    /// <exception cref="CephException">What came is not what was told, or broke off.</exception>
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
            // The last byte is given out only when all that came before is proven.
            await export.EndAsync(cancellationToken);
            isEnded = true;
        }
    }

    public ValueTask DisposeAsync() => export?.DisposeAsync() ?? ValueTask.CompletedTask;
}
