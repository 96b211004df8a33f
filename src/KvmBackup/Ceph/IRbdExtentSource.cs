namespace KvmBackup.Ceph;

/// <summary>
/// An RBD image as one member of an archive: its whole content (<see cref="RbdImageSource"/>), or its changes since an
/// older snapshot (<see cref="RbdDiffSource"/>).
/// </summary>
public interface IRbdExtentSource : IExtentSource, IAsyncDisposable
{
    /// <summary>The size of the image at the snapshot, which differs from that of a diff stream.</summary>
    long ImageSizeBytes { get; }

    /// <summary>The changes, in the order of the stream; empty for the whole content.</summary>
    IReadOnlyList<ImageChange> Changes { get; }

    /// <summary>A fault of the image, for the report; null for none.</summary>
    string? Warning { get; }

    /// <summary>Whether a read currently waits for the cluster.</summary>
    bool IsWaiting { get; }

    /// <summary>Queries the content or the exact changes, without reading data.</summary>
    /// <param name="client">Runs rbd.</param>
    /// <param name="location">The image.</param>
    /// <param name="snapshot">The snapshot at which it is read.</param>
    /// <param name="fromSnapshot">The older snapshot; null for the whole content.</param>
    /// <param name="cancellationToken">Stops the query.</param>
    /// <exception cref="CephException">A snapshot does not exist, or the cluster does not answer.</exception>
    static async Task<IRbdExtentSource> OpenAsync(
        RbdClient client, RbdLocation location, string snapshot, string? fromSnapshot,
        CancellationToken cancellationToken) => fromSnapshot is null
        ? await RbdImageSource.OpenAsync(client, location, snapshot, cancellationToken)
        : await RbdDiffSource.OpenAsync(
            client, location, fromSnapshot, snapshot, isWholeObject: false, cancellationToken);
}
