using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Clusters;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>Finds the images that a restore writes, and the obstacles to it. Changes nothing.</summary>
/// <param name="settingsOf">Returns the configured cluster of a backup.</param>
public sealed class ImageDestinations(
    ClusterAccess access, RbdClient cluster, RbdImageStore store, Func<Manifest, CephSettings> settingsOf, ILogger log)
{
    /// <param name="backup">The backup.</param>
    /// <param name="xml">The domain's XML; null when there is no domain.</param>
    /// <param name="images">The images to write.</param>
    /// <param name="refusals">Receives each obstacle, with a hint.</param>
    /// <exception cref="KvmBackupException">The cluster cannot be queried.</exception>
    public async Task<IReadOnlyList<PlacedImage>> FindAsync(
        CompletedBackup backup, string? xml, IReadOnlyList<RestoreImage> images, List<string> refusals,
        CancellationToken cancellationToken)
    {
        List<PlacedImage> placed = [];
        refusals.AddRange(RefuseWithoutSpace(backup.Manifest, images));
        IReadOnlyDictionary<DiskTarget, RbdSource> sources = xml is null
            ? new Dictionary<DiskTarget, RbdSource>() : DomainXml.RbdSources(xml);
        foreach (RestoreImage image in images)
        {
            // A disk that was a file is restored to the cluster of the domain's other images.
            RbdSource? source = sources.GetValueOrDefault(image.Disk.Target) ?? sources.Values.FirstOrDefault();
            RbdLocation location = await LocateAsync(backup.Manifest, image.Image, source, cancellationToken);
            RbdLocation partial = location with { Image = RestoredImage.PartialOf(image.Image) };
            RbdLocation replaced = location with { Image = RestoredImage.ReplacedOf(image.Image) };

            // In parallel: each query starts a program.
            RbdImageFacts?[] found = await Task.WhenAll(
                new[] { location, partial, replaced }.Select(
                    one => cluster.TryDescribeAsync(one, snapshot: null, cancellationToken)));
            (bool exists, bool partialExists, bool replacedExists) =
                (found[0] is not null, found[1] is not null, found[2] is not null);
            if (exists)
            {
                refusals.AddRange(await RefuseExistingAsync(image, location, cancellationToken));
            }

            if (replacedExists)
            {
                // This is the operator's original image, so this program never removes it.
                refusals.Add(
                    $"{replaced} exists: the original image that an interrupted restore was replacing. "
                    + (!exists ? $"Rename it back: {RbdAdvice.Rename(replaced, image.Image)}"
                        : $"{location} has replaced it; when it is not needed any more: {RbdAdvice.Remove(replaced)}"));
            }

            if (partialExists)
            {
                refusals.Add(
                    $"{partial} exists: an interrupted restore has left it, or another restore is active. If none is "
                    + $"active, remove it: {RbdAdvice.Remove(partial)}");
            }

            placed.Add(new PlacedImage(image, location, exists));
        }

        return placed;
    }

    /// <summary>A qcow2 disk must be unpacked first, one disk after the other.</summary>
    private static IEnumerable<string> RefuseWithoutSpace(Manifest manifest, IReadOnlyList<RestoreImage> images)
    {
        long neededBytes = images.Where(image => image.Form == DiskForm.Qcow2)
            .Select(image => image.Disk.Layers.Sum(layer => manifest.FindMember(layer.FileName)?.DataBytes ?? 0))
            .DefaultIfEmpty().Max();
        return neededBytes == 0 || ScratchFolder.Refuse(ScratchFolder.DefaultParent, neededBytes) is not { } refusal
            ? [] : [refusal];
    }

    private async Task<RbdLocation> LocateAsync(
        Manifest manifest, RbdImage image, RbdSource? source, CancellationToken cancellationToken)
    {
        CephSettings settings = settingsOf(manifest);
        RbdSource wanted = source is null ? new RbdSource(image, [], null, null) : source with { Image = image };
        try
        {
            return await access.LocateAsync(wanted, settings, cancellationToken);
        }
        catch (RunsException failure) when (settings == CephSettings.None)
        {
            // After a disaster this may be another host, with Ceph configured but without the guests' secrets.
            log.Warning(
                "{Domain}: {Failure}; using the default Ceph configuration of this host instead", manifest.Domain,
                failure.Message);
            return new RbdLocation(image, RbdAccess.Default);
        }
    }

    private async Task<IEnumerable<string>> RefuseExistingAsync(
        RestoreImage image, RbdLocation location, CancellationToken cancellationToken)
    {
        if (!image.MayReplace)
        {
            return [$"the image {image.Image} exists: restore into another image with --to rbd:POOL/IMAGE, or "
                + $"overwrite it with --replace-image {ShellWord.Quote(image.Image.Spec)}"];
        }

        List<string> refusals = [];
        if (await store.ListWatchersAsync(location, cancellationToken) is { Count: > 0 } watchers)
        {
            refusals.Add(
                $"the image {image.Image} is in use by {string.Join(", ", watchers)}, so it is not overwritten: stop "
                    + $"its user first; to list users: {RbdAdvice.Status(location)}");
        }

        if (await cluster.ListSnapshotsAsync(location, cancellationToken) is { Count: > 0 } snapshots)
        {
            refusals.Add(
                $"the image {image.Image} has {snapshots.Count} snapshots, which would be deleted with it. To list "
                    + $"them: {RbdAdvice.Snapshots(location)} ; if they are not needed: "
                    + $"{RbdAdvice.RemoveSnapshots(location)} ; or rename the image: "
                    + RbdAdvice.Rename(
                        location,
                        new RbdImage(image.Image.Pool, image.Image.Namespace, $"{image.Image.Name}.former")));
        }

        return refusals;
    }
}

/// <summary>An image that a restore writes, with its location.</summary>
/// <param name="Plan">The image and its content.</param>
/// <param name="Location">The cluster and the name.</param>
/// <param name="Replaces">An existing image of that name is replaced.</param>
public sealed record PlacedImage(RestoreImage Plan, RbdLocation Location, bool Replaces);
