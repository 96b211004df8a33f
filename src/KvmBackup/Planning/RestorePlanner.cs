namespace KvmBackup.Planning;

/// <summary>Decides the destination of each file of a backup and the changes to the domain's XML.</summary>
public static class RestorePlanner
{
    /// <exception cref="PlanningException">The request contradicts the backup or itself.</exception>
    public static RestorePlan Plan(Manifest manifest, RestoreRequest request)
    {
        CheckRequest(manifest, request);
        DomainName name = request.NewName ?? manifest.Domain;
        List<RestoreFile> files = [];
        List<RestoreImage> images = [];
        Dictionary<DiskTarget, string> diskPaths = [];
        foreach (ManifestDisk disk in manifest.Disks.Where(disk => request.Disk is null || disk.Target == request.Disk))
        {
            if (ImagePlacement.Find(disk, name, request) is { } image)
            {
                images.Add(image);
                continue;
            }

            List<RestoreFile> layers = disk.Image is not null ? [AssembledFile(disk, name, request)]
                : request.IsInPlace ? OriginalLayers(disk, request) : MovedLayers(disk, name, request);
            files.AddRange(layers.AsEnumerable().Reverse());
            diskPaths[disk.Target] = layers[0].FilePath;
        }

        ImagePlacement.Check(images, request);
        Dictionary<string, string> filePaths = [];
        foreach (AuxiliaryFile file in HasFiles(request) ? manifest.Files : [])
        {
            string path = PathOf(file, manifest, name, request);
            files.Add(new RestoreFile(file.MemberName, path, RuleForFile(file, request), false, null, false));
            filePaths[file.SourcePath] = path;
        }

        bool isDefined = request.Define || request.Start || IsReplaced(manifest, request);
        DomainEdit edit = new(request.NewName, diskPaths, filePaths)
        {
            Host = request.Host,
            KeepsVolumes = request.IsInPlace,

            // In place, the definition already names the images, directly or as mapped devices.
            DiskImages = request.IsInPlace
                ? new() : images.ToDictionary(image => image.Disk.Target, image => image.Image),
        };
        CheckDevices(files, request);
        CheckHostEdit(isDefined, request);
        return new RestorePlan(
            files, edit, name, isDefined, request.Start,
            [
                .. Warn(manifest, request),
                .. isDefined ? ImagePlacement.Warn(manifest, images) : [],
                .. isDefined ? WarnOfSnapshots(manifest, request) : [],
            ])
        {
            Images = images,
            Snapshots = isDefined && request.IsInPlace ? manifest.Snapshots : [],
        };
    }

    /// <summary>A replaced guest gets the backup's definition with its disks: the existing one may name
    /// others.</summary>
    private static bool IsReplaced(Manifest manifest, RestoreRequest request) =>
        request is { Replace: not null, Disk: null, TargetDirectory: null, Cluster: null }
        && ImageIdentity.Find(manifest.Domain) is null;

    /// <summary>A restore of disks alone into a cluster writes no files on this host.</summary>
    private static bool HasFiles(RestoreRequest request) =>
        request.Disk is null && (request.Cluster is null || request.Define || request.Start);

    private static string PathOf(AuxiliaryFile file, Manifest manifest, DomainName name, RestoreRequest request)
    {
        if (request is { TargetDirectory: null, NewName: null })
        {
            return file.SourcePath;
        }

        ManifestDisk? fileDisk = request.Cluster is null
            ? manifest.Disks.FirstOrDefault(disk => disk.Image is null) : null;
        string folder = request.TargetDirectory
            ?? (fileDisk is not null ? FolderOf(fileDisk.Layers[0]) : Path.GetDirectoryName(file.SourcePath)!);
        return Path.Combine(folder, $"{name.FileName}-{file.MemberName}");
    }

    private static void CheckRequest(Manifest manifest, RestoreRequest request)
    {
        if (request.Disk is not null)
        {
            _ = DiskChoice.Find(manifest, request.Disk);
        }

        if (ImageIdentity.Find(manifest.Domain) is not null
            && (request.Define || request.Start || request.NewName is not null))
        {
            throw new PlanningException(
                $"{manifest.Domain}@{manifest.Id} is of an image without a guest: omit --define, --start and --as.");
        }

        if (request.Disk is not null && (request.Define || request.Start || request.NewName is not null))
        {
            throw new PlanningException(
                "One disk cannot be defined or started as a domain: omit --disk, or --define, --start and --as.");
        }

        if (request.Replace is { } replaced && replaced != (request.NewName ?? manifest.Domain))
        {
            throw new PlanningException(
                $"--replace names {replaced}, but this restore is of {request.NewName ?? manifest.Domain}: name that "
                    + "domain.");
        }
    }

    private static void CheckHostEdit(bool isDefined, RestoreRequest request)
    {
        if (!isDefined && (request.CreatesNetworks || !request.Host.IsEmpty))
        {
            throw new PlanningException(
                "--create-networks, --network, --without-media, --emulator and --machine are for a domain that is "
                    + "defined: add --define or --start.");
        }
    }

    private static void CheckDevices(List<RestoreFile> files, RestoreRequest request)
    {
        string[] devices = [.. files.Where(file => file.IsBlockDevice).Select(file => file.FilePath)];
        if (request.ReplacedDevices.FirstOrDefault(path => !devices.Contains(path)) is { } unrelated)
        {
            throw new PlanningException(
                $"--replace-device names {unrelated}, but this restore writes "
                + $"{(devices.Length == 0 ? "no block device" : string.Join(", ", devices))}.");
        }
    }

    private static RestoreFile AssembledFile(ManifestDisk disk, DomainName name, RestoreRequest request) => new(
        disk.Layers[0].FileName, Path.Combine(request.TargetDirectory!, $"{name.FileName}-{disk.Target}.raw"),
        request.Replace is null ? ExistingFileRule.Refuse : ExistingFileRule.Replace, false, null, false)
    {
        Assembled = disk.Target,
    };

    private static List<RestoreFile> OriginalLayers(ManifestDisk disk, RestoreRequest request)
    {
        ExistingFileRule topRule = request.Replace is null ? ExistingFileRule.Refuse : ExistingFileRule.Replace;

        // A backing file may be shared with other guests: it is used unchanged or refused, never replaced. The headers
        // already name these paths.
        return [.. disk.Layers.Select((layer, depth) => new RestoreFile(
            layer.FileName, layer.SourcePath, depth == 0 ? topRule : ExistingFileRule.KeepIfIdentical,
            layer.IsBlockDevice, null, layer.Format == "qcow2"))];
    }

    private static List<RestoreFile> MovedLayers(ManifestDisk disk, DomainName name, RestoreRequest request)
    {
        string folder = request.TargetDirectory ?? FolderOf(disk.Layers[0]);
        ExistingFileRule rule = request.Replace is null ? ExistingFileRule.Refuse : ExistingFileRule.Replace;
        string NewName(ManifestLayer layer) => $"{name.FileName}-{layer.FileName}";

        // The layers are in one folder, so a header names its backing file without a folder and the set can be moved.
        return [.. disk.Layers.Select((layer, depth) => new RestoreFile(
            layer.FileName, Path.Combine(folder, NewName(layer)), rule, false,
            depth + 1 < disk.Layers.Count
                ? new RestoreBacking(NewName(disk.Layers[depth + 1]), disk.Layers[depth + 1].Format) : null,
            layer.Format == "qcow2"))];
    }

    private static string FolderOf(ManifestLayer layer) => layer.IsBlockDevice
        ? throw new PlanningException(
            $"{layer.SourcePath} is a block device, so a copy beside it is impossible: give a folder with --to DIR.")
        : Path.GetDirectoryName(layer.SourcePath)!;

    private static ExistingFileRule RuleForFile(AuxiliaryFile file, RestoreRequest request) =>
        request.Replace is not null && file.MemberName.StartsWith("nvram", StringComparison.Ordinal)
            ? ExistingFileRule.Replace : ExistingFileRule.KeepIfIdentical;

    /// <summary>The records name the UUID and the paths of the original.</summary>
    private static IEnumerable<string> WarnOfSnapshots(Manifest manifest, RestoreRequest request)
    {
        if (manifest.Snapshots.Count > 0 && !request.IsInPlace)
        {
            string names = string.Join(", ", manifest.Snapshots.Select(snapshot => snapshot.Name));
            yield return "libvirt's records of its snapshots are restored only in the original place and under the "
                + $"original name, so they are left out: {names}. Snapshots within a qcow2 image are still in it: "
                + "qemu-img snapshot -l FILE lists them";
        }
    }

    private static IEnumerable<string> Warn(Manifest manifest, RestoreRequest request)
    {
        if (request.Disk is null)
        {
            foreach (SkippedDisk disk in manifest.SkippedDisks)
            {
                yield return $"disk {disk.Target} is not in this backup ({disk.Reason}); "
                    + "the definition still names it";
            }
        }
    }
}
