using System.Text.RegularExpressions;

namespace KvmBackup.Ceph;

/// <summary>
/// Finds the RBD image behind a block device that the kernel has mapped. The name is read from the kernel, not from the
/// path: udev replaces characters in names, an image can be renamed while it is mapped, and <c>img-part1</c> is a
/// partition or an image. The path is used only for an unmapped device, for instance of a guest that is shut off.
/// </summary>
/// <param name="devicePath">The folder of devices.</param>
/// <param name="registryPath">The folder of the kernel's mapped RBD images.</param>
public sealed partial class MappedImages(string devicePath = "/dev", string registryPath = "/sys/bus/rbd/devices")
{
    // The value of current_snap for an image that is not mapped at a snapshot.
    private const string NoSnapshot = "-";

    /// <summary>Adds the image to each disk that is a mapped one.</summary>
    public IReadOnlyList<DiskFacts> Resolve(IReadOnlyList<DiskFacts> disks) => [.. disks.Select(Resolve)];

    private DiskFacts Resolve(DiskFacts disk)
    {
        // A qcow2 on a device is read as a device: the content of the image is not the guest's disk.
        if (disk is not { SourceType: DiskSourceType.Block, Rbd: null, Format: "raw", SourcePath: { } path })
        {
            return disk;
        }

        try
        {
            return File.Exists(path) ? ByKernel(disk, path)
                : path.StartsWith(devicePath + '/', StringComparison.Ordinal)
                    && Driver().IsMatch(path[devicePath.Length..])
                ? ByPath(disk, path) : disk;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ModelException)
        {
            return disk with
            {
                Refusal = $"is {path}, a device of the kernel's RBD driver, and its image cannot be determined: "
                    + failure.Message.TrimEnd('.'),
            };
        }
    }

    private DiskFacts ByKernel(DiskFacts disk, string path)
    {
        string device = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        Match match = Device().Match(Path.GetFileName(device));
        if (!match.Success || Path.GetDirectoryName(device) != devicePath)
        {
            return disk;
        }

        string entry = Path.Combine(registryPath, match.Groups["number"].Value);
        RbdImage image = new(Read(entry, "pool"), TryRead(entry, "pool_ns"), Read(entry, "name"));
        string snapshot = Read(entry, "current_snap");
        return match.Groups["partition"].Success
            ? disk with
            {
                Notice =
                    $"is a partition of the RBD image {image}, so each backup of it is full, as of any device; for "
                    + "increments give the guest the image",
            }
            : snapshot != NoSnapshot
            ? disk with
            {
                Notice = $"is the snapshot {image}@{snapshot}, so each backup of it is full, as of any device",
            }
            : disk with { Rbd = new RbdSource(image, [], null, null) { MappedId = Read(entry, "image_id") } };
    }

    private DiskFacts ByPath(DiskFacts disk, string path)
    {
        string[] names = path[(devicePath.Length + 1)..].Split('/');
        if (names is not ["rbd", _, _] and not ["rbd", _, _, _])
        {
            return Refuse(disk, path, "its path names no image");
        }

        return names[^1].Contains('@', StringComparison.Ordinal) || Partition().IsMatch(names[^1])
            ? Refuse(disk, path, "its name may be that of a snapshot or a partition")
            : disk with { Rbd = new RbdSource(RbdImage.Parse(string.Join('/', names[1..])), [], null, null) };
    }

    private static DiskFacts Refuse(DiskFacts disk, string path, string reason) => disk with
    {
        Refusal =
            $"is {path}, which is not mapped, and {reason}: map it (rbd map) before the backup, or give the guest "
            + "the path /dev/rbd/POOL/IMAGE",
    };

    private static string Read(string entry, string name) => File.ReadAllText(Path.Combine(entry, name)).TrimEnd('\n');

    // Kernels before 4.19 do not support namespaces.
    private static string? TryRead(string entry, string name) =>
        File.Exists(Path.Combine(entry, name)) ? Read(entry, name) : null;

    [GeneratedRegex("^/rbd[0-9/]")]
    private static partial Regex Driver();

    [GeneratedRegex(@"^rbd(?<number>[0-9]+)(?<partition>p[0-9]+)?$")]
    private static partial Regex Device();

    [GeneratedRegex("-part[0-9]+$")]
    private static partial Regex Partition();
}
