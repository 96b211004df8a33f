namespace KvmBackup.Ceph;

/// <summary>
/// An RBD image that a restore writes: under a temporary name until it is complete, so that an incomplete disk is never
/// used, and an existing image stays until the commit. <see cref="RemoveUnlessCommittedAsync"/> before the commit
/// removes it.
/// </summary>
public sealed class RestoredImage
{
    private const string ReplacedSuffix = ".kvmbackup-replaced";

    /// <summary>Longer than the half minute in which the cluster counts a killed client as active.</summary>
    private static readonly TimeSpan RemovalLimit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan RemovalPause = TimeSpan.FromSeconds(2);
    private readonly RbdImageStore store;
    private readonly RbdLocation location;
    private readonly TimeProvider time;
    private bool isCommitted;

    private RestoredImage(RbdImageStore store, RbdLocation location, TimeProvider time)
    {
        this.store = store;
        this.location = location;
        this.time = time;
        Working = location with { Image = PartialOf(location.Image) };
    }

    /// <summary>The location until the commit.</summary>
    public RbdLocation Working { get; }

    /// <summary>The name until the commit.</summary>
    public static RbdImage PartialOf(RbdImage image) =>
        new(image.Pool, image.Namespace, image.Name + TemporaryName.PartialExtension);

    /// <summary>The temporary name of an image during its replacement.</summary>
    public static RbdImage ReplacedOf(RbdImage image) => new(image.Pool, image.Namespace, image.Name + ReplacedSuffix);

    /// <summary>Creates the image, all zeros.</summary>
    /// <remarks>Cannot be cancelled, because the cluster could still create the image, which would be left.</remarks>
    /// <exception cref="CephException">It cannot be created.</exception>
    public static async Task<RestoredImage> CreateAsync(
        RbdClient client, RbdImageStore store, RbdLocation location, long sizeBytes, TimeProvider time)
    {
        RestoredImage image = new(store, location, time);
        await client.CreateImageAsync(image.Working, sizeBytes, CancellationToken.None);
        return image;
    }

    /// <summary>Renames the image to its final name.</summary>
    /// <param name="replace">An existing image of that name is replaced, and removed after the rename: after an
    /// interruption at any point one of the two exists completely.</param>
    /// <exception cref="CephException">The rename failed, or the former image could not be removed.</exception>
    public async Task CommitAsync(bool replace)
    {
        RbdLocation replaced = location with { Image = ReplacedOf(location.Image) };
        if (replace)
        {
            if (await store.ListWatchersAsync(location, CancellationToken.None) is { Count: > 0 })
            {
                throw new CephException(
                    $"{location} is in use and was not replaced. To list its clients: {RbdAdvice.Status(location)}");
            }

            await store.RenameAsync(location, replaced.Image, CancellationToken.None);
        }

        try
        {
            await store.RenameAsync(Working, location.Image, CancellationToken.None);
        }
        catch (CephException) when (replace)
        {
            await store.RenameAsync(replaced, location.Image, CancellationToken.None);
            throw;
        }

        isCommitted = true;
        if (replace && !await store.TryRemoveAsync(replaced, CancellationToken.None))
        {
            throw new CephException(
                $"{location} is restored, but the former image has a client and was not removed. To remove it when no "
                + $"client has it open: {RbdAdvice.Remove(replaced)}");
        }
    }

    /// <summary>Removes the image if it was not committed.</summary>
    /// <exception cref="CephException">It could not be removed; the message has the command to do so.</exception>
    public async Task RemoveUnlessCommittedAsync()
    {
        if (isCommitted)
        {
            return;
        }

        long start = time.GetTimestamp();
        while (!await store.TryRemoveAsync(Working, CancellationToken.None))
        {
            if (time.GetElapsedTime(start) > RemovalLimit)
            {
                throw new CephException(
                    "An incomplete image is left, because a client still has it open. To remove it when no client has "
                    + $"it open: {RbdAdvice.Remove(Working)}");
            }

            await Task.Delay(RemovalPause, time, CancellationToken.None);
        }
    }
}
