using KvmBackup.Model;

namespace KvmBackup.Disks;

/// <summary>
/// An RBD image that a restore writes: under another name until it is whole, so that nobody takes half a disk for one, and
/// an existing image stays what it is until the last moment. Leaving the scope before the commit removes it.
/// </summary>
public sealed class RestoredImage
{
    private const string PartialSuffix = ".kvmbackup-partial";

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

    /// <summary>Makes the image, of nothing but zeros.</summary>
    /// <remarks>Cannot be cancelled: an image that came to be all the same would be left behind.</remarks>
    /// <exception cref="DisksException">It cannot be made.</exception>
    public static async Task<RestoredImage> CreateAsync(
        RbdClient client, RbdImageStore store, RbdLocation location, long sizeBytes, TimeProvider time)
    {
        RestoredImage image = new(store, location, time);
        await client.CreateImageAsync(image.Working, sizeBytes, CancellationToken.None);
        return image;
    }

    /// <summary>Gives it its name.</summary>
    /// <param name="replace">An image of that name is there and goes; it has neither snapshots nor clients.</param>
    /// <exception cref="DisksException">It could not be finished.</exception>
    public async Task CommitAsync(bool replace)
    {
        if (replace && !await store.TryRemoveAsync(location, CancellationToken.None))
        {
            throw new DisksException(
                $"{location} is in use and was not replaced: rbd status {ShellWord.Quote(location.Image.Spec)}");
        }

        // From here on this is the only one that there is.
        isNeeded = replace;
        try
        {
            await store.RenameAsync(Working, location.Image, CancellationToken.None);
        }
        catch (DisksException failure) when (replace)
        {
            throw new DisksException(
                $"{failure.Message} It is whole. Give it its name: {RbdImageStore.RenameCall(Working, location.Image)}",
                ExitCode.Failed, failure);
        }

        isNeeded = true;
    }

    /// <summary>Removes the image if it was not committed.</summary>
    /// <exception cref="DisksException">It could not be removed; the message says how to.</exception>
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
                throw new DisksException(
                    $"Half of an image was left, for a client still has it open. Remove it later: {RbdClient.RemoveImageCall(Working)}");
            }

            await Task.Delay(RemovalPause, time, CancellationToken.None);
        }
    }
}
