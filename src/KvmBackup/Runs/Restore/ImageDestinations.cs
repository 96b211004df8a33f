using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Clusters;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>Finds the images that a restore is to write, and what speaks against writing them. Changes nothing.</summary>
/// <param name="settingsOf">What the configuration says of the cluster of a backup.</param>
public sealed class ImageDestinations(
    ClusterAccess access, RbdClient cluster, RbdImageStore store, Func<Manifest, CephSettings> settingsOf, ILogger log)
{
    /// <param name="backup">What is restored.</param>
    /// <param name="xml">The domain's XML; null when there is no domain.</param>
    /// <param name="images">Where to.</param>
    /// <param name="refusals">Takes each reason against it, with what to do.</param>
    /// <exception cref="KvmBackupException">The cluster cannot be asked.</exception>
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
            // A disk that was a file goes where the domain's other images are.
            RbdSource? source = sources.GetValueOrDefault(image.Disk.Target) ?? sources.Values.FirstOrDefault();
            RbdLocation location = await LocateAsync(backup.Manifest, image.Image, source, cancellationToken);
            RbdLocation partial = location with { Image = RestoredImage.PartialOf(image.Image) };
            RbdLocation replaced = location with { Image = RestoredImage.ReplacedOf(image.Image) };

            // At once: each answer takes the start of a program.
            RbdImageFacts?[] found = await Task.WhenAll(
                new[] { location, partial, replaced }.Select(
                    one => cluster.TryDescribeAsync(one, snapshot: null, cancellationToken)));
            (bool exists, bool isHalfThere, bool isFormerThere) = (found[0] is not null, found[1] is not null, found[2] is not null);
            if (exists)
            {
                refusals.AddRange(await RefuseExistingAsync(image, location, cancellationToken));
            }

            if (isFormerThere)
            {
                // Of the two it is the one that somebody had; it is never this program that removes it.
                refusals.Add(
                    $"{replaced} is there: the image that an interrupted restore was to replace. "
                    + (!exists ? $"Give it its name again: {RbdImageStore.RenameCall(replaced.ForMessages, image.Image)}"
                        : $"{location} has replaced it; when nothing needs it: {RbdClient.RemoveImageCall(replaced.ForMessages)}"));
            }

            if (isHalfThere)
            {
                refusals.Add(
                    $"{partial} is there: an interrupted restore has left it, or one is at work. If none is, remove it: "
                    + RbdClient.RemoveImageCall(partial.ForMessages));
            }

            placed.Add(new PlacedImage(image, location, exists));
        }

        return placed;
    }

    /// <summary>What QEMU has to read is unpacked first, one disk after the other.</summary>
    private static IEnumerable<string> RefuseWithoutSpace(Manifest manifest, IReadOnlyList<RestoreImage> images)
    {
        long neededBytes = images.Where(image => image.Form == DiskForm.Qcow2)
            .Select(image => image.Disk.Layers.Sum(layer => manifest.FindMember(layer.FileName)?.DataBytes ?? 0))
            .DefaultIfEmpty().Max();
        return neededBytes == 0 || ScratchFolder.Refuse(ScratchFolder.DefaultParent, neededBytes) is not { } refusal ? [] : [refusal];
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
            // After a disaster the host may be another, with Ceph set up and without the guests' secrets.
            log.Warning(
                "{Domain}: {Failure}; Ceph's own configuration of this host is used instead", manifest.Domain, failure.Message);
            return new RbdLocation(image, RbdAccess.Default);
        }
    }

    private async Task<IEnumerable<string>> RefuseExistingAsync(
        RestoreImage image, RbdLocation location, CancellationToken cancellationToken)
    {
        string spec = ShellWord.Quote(image.Image.Spec);
        if (!image.MayReplace)
        {
            return [$"the image {image.Image} exists: restore into another with --to rbd:POOL/IMAGE, or overwrite it with --replace-image {spec}"];
        }

        List<string> refusals = [];
        if (await store.ListWatchersAsync(location, cancellationToken) is { Count: > 0 } watchers)
        {
            refusals.Add(
                $"the image {image.Image} is in use by {string.Join(", ", watchers)}, so it is not overwritten: shut its user off "
                + $"(rbd status {spec})");
        }

        if (await cluster.ListSnapshotsAsync(location, cancellationToken) is { Count: > 0 } snapshots)
        {
            refusals.Add(
                $"the image {image.Image} has {snapshots.Count} snapshots, which would go with it: if they may, remove them first "
                + $"(rbd snap ls {spec}; rbd snap purge {spec}), or rename the image (rbd rename)");
        }

        return refusals;
    }
}

/// <summary>An image that a restore writes, and the way to it.</summary>
/// <param name="Plan">What is written.</param>
/// <param name="Location">Where.</param>
/// <param name="Replaces">One of that name is there and goes.</param>
public sealed record PlacedImage(RestoreImage Plan, RbdLocation Location, bool Replaces);
