namespace KvmBackup.Ceph;

/// <summary>
/// An RBD image that a restore writes: under another name until it is whole, so that nobody takes half a disk for one, and
/// an existing image stays what it is until the last moment. Leaving the scope before the commit removes it.
/// </summary>
public sealed class RestoredImage
{
    private const string PartialSuffix = ".kvmbackup-partial";
    private const string ReplacedSuffix = ".kvmbackup-replaced";

    /// <summary>The cluster takes the client of a program that was killed for a living one for half a minute.</summary>
    private static readonly TimeSpan RemovalLimit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan RemovalPause = TimeSpan.FromSeconds(2);
    private readonly RbdImageStore store;
    private readonly RbdLocation location;
    private readonly TimeProvider time;
    private bool isNeeded;

    private RestoredImage(RbdImageStore store, RbdLocation location, TimeProvider time)
    {
        this.store = store;
        this.location = location;
        this.time = time;
        Working = location with { Image = PartialOf(location.Image) };
    }

    /// <summary>Where it lies until the commit.</summary>
    public RbdLocation Working { get; }

    /// <summary>The name until the commit.</summary>
    public static RbdImage PartialOf(RbdImage image) => new(image.Pool, image.Namespace, image.Name + PartialSuffix);

    /// <summary>The name of an image that is about to be replaced, until the new one has its name.</summary>
    public static RbdImage ReplacedOf(RbdImage image) => new(image.Pool, image.Namespace, image.Name + ReplacedSuffix);

    /// <summary>Makes the image, of nothing but zeros.</summary>
    /// <remarks>Cannot be cancelled: an image that came to be all the same would be left behind.</remarks>
    /// <exception cref="CephException">It cannot be made.</exception>
    public static async Task<RestoredImage> CreateAsync(
        RbdClient client, RbdImageStore store, RbdLocation location, long sizeBytes, TimeProvider time)
    {
        RestoredImage image = new(store, location, time);
        await client.CreateImageAsync(image.Working, sizeBytes, CancellationToken.None);
        return image;
    }

    /// <summary>Gives it its name.</summary>
    /// <param name="replace">An image of that name is there and goes, once this one has its name: whenever that is cut short,
    /// the one or the other is there, whole.</param>
    /// <exception cref="CephException">It could not be finished, or the former image could not be removed.</exception>
    public async Task CommitAsync(bool replace)
    {
        RbdLocation replaced = location with { Image = ReplacedOf(location.Image) };
        if (replace)
        {
            if (await store.ListWatchersAsync(location, CancellationToken.None) is { Count: > 0 })
            {
                throw new CephException(
                    $"{location} is in use and was not replaced: rbd status {ShellWord.Quote(location.Image.Spec)}");
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

        isNeeded = true;
        if (replace && !await store.TryRemoveAsync(replaced, CancellationToken.None))
        {
            throw new CephException(
                $"{location} is restored, but the former image has a client and was left. Remove it: {RbdClient.RemoveImageCall(replaced.ForMessages)}");
        }
    }

    /// <summary>Removes the image if it was not committed.</summary>
    /// <exception cref="CephException">It could not be removed; the message says how to.</exception>
    public async Task LeaveAsync()
    {
        if (isNeeded)
        {
            return;
        }

        long start = time.GetTimestamp();
        while (!await store.TryRemoveAsync(Working, CancellationToken.None))
        {
            if (time.GetElapsedTime(start) > RemovalLimit)
            {
                throw new CephException(
                    $"Half of an image was left, for a client still has it open. Remove it later: {RbdClient.RemoveImageCall(Working.ForMessages)}");
            }

            await Task.Delay(RemovalPause, time, CancellationToken.None);
        }
    }
}
