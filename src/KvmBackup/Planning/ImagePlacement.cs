namespace KvmBackup.Planning;

/// <summary>Decides which disks of a restore go into a cluster, and what their images are called.</summary>
public static class ImagePlacement
{
    /// <returns>Where the disk goes; null when it goes to files.</returns>
    public static RestoreImage? Find(ManifestDisk disk, DomainName name, RestoreRequest request)
    {
        // An at sign would begin a snapshot's name.
        string ownName = $"{name.FileName}-{disk.Target}".Replace("@", "%40", StringComparison.Ordinal);
        RbdImage? image = (request, disk.Image?.Image) switch
        {
            ({ Cluster: { } cluster }, _) => cluster.ImageOf(ownName),
            ({ TargetDirectory: not null }, _) or (_, null) => null,
            ({ NewName: not null }, { } original) => new RbdImage(original.Pool, original.Namespace, ownName),
            (_, { } original) => original,
        };
        return image is null ? null : new RestoreImage(disk, image, request.ReplacedImages.Contains(image));
    }

    /// <exception cref="PlanningException">The words about images do not fit what is restored.</exception>
    public static void Check(IReadOnlyList<RestoreImage> images, RestoreRequest request)
    {
        if (request.Cluster is { Name: { } name } cluster && images.Count > 1)
        {
            throw new PlanningException(
                $"{images.Count} disks cannot all go into the image {images[0].Image}: name one with --disk, or leave the image's "
                + $"name out: --to {RbdDestination.Prefix}{cluster.Pool}"
                + (cluster.Namespace is { } space ? $"/{space}/" : $", or rbd:{cluster.Pool}/{name}/ if that is a namespace"));
        }

        if (request.ReplacedImages.FirstOrDefault(image => images.All(other => other.Image != image)) is { } stranger)
        {
            string written = images.Count == 0 ? "no image" : string.Join(", ", images.Select(image => image.Image));
            throw new PlanningException($"--replace-image names {stranger}, but this restore writes {written}.");
        }
    }

    /// <summary>What an operator should know of a definition that names the new images.</summary>
    public static IEnumerable<string> Warn(Manifest manifest, IReadOnlyList<RestoreImage> images)
    {
        if (images.Count > 0 && manifest.Disks.All(disk => disk.Image is null))
        {
            yield return "the domain had no RBD disk, so its definition can tell neither monitors nor user of the new images: QEMU "
                + "goes by /etc/ceph/ceph.conf, as client.admin. To name them: virsh edit";
        }
    }
}
