namespace KvmBackup.Planning;

/// <summary>Decides which disks of a restore become RBD images, and the names of the images.</summary>
public static class ImagePlacement
{
    /// <returns>The image for the disk; null when it is restored to files.</returns>
    public static RestoreImage? Find(ManifestDisk disk, DomainName name, RestoreRequest request)
    {
        // An at sign would begin the name of a snapshot.
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

    /// <exception cref="PlanningException">The request's image names do not fit the restored disks.</exception>
    public static void Check(IReadOnlyList<RestoreImage> images, RestoreRequest request)
    {
        if (request.Cluster is { Name: { } name } cluster && images.Count > 1)
        {
            throw new PlanningException(
                $"{images.Count} disks cannot all be written to the image {images[0].Image}: name one with --disk, or "
                + $"omit the image's name: --to {RbdDestination.Prefix}{cluster.Pool}"
                + (cluster.Namespace is { } space ? $"/{space}/" : $", or rbd:{cluster.Pool}/{name}/ if that is a "
                + "namespace"));
        }

        if (request.ReplacedImages.FirstOrDefault(image => images.All(other => other.Image != image)) is { } unrelated)
        {
            string written = images.Count == 0 ? "no image" : string.Join(", ", images.Select(image => image.Image));
            throw new PlanningException($"--replace-image names {unrelated}, but this restore writes {written}.");
        }
    }

    /// <summary>Warnings about a definition that names the new images.</summary>
    public static IEnumerable<string> Warn(Manifest manifest, IReadOnlyList<RestoreImage> images)
    {
        if (images.Count > 0 && manifest.Disks.All(disk => disk.Image is null))
        {
            yield return "the domain had no RBD disk, so its definition has neither monitors nor a user for the new "
                + "images: QEMU uses /etc/ceph/ceph.conf as client.admin. To add them: virsh edit";
        }
    }
}
