using System.Text.RegularExpressions;

namespace KvmBackup.Ceph;

/// <summary>
/// Finds the RBD image behind a block device that the kernel has mapped. What the kernel says of the device is believed,
/// not the path: udev's names have underscores for what it does not like, a name may have been mapped before the image was
/// renamed, and <c>img-part1</c> is a partition or an image. Only of what is not mapped, as a guest's that is shut off may
/// be, the path must tell.
/// </summary>
/// <param name="devicePath">Where devices are.</param>
/// <param name="registryPath">Where the kernel tells what it has mapped.</param>
public sealed partial class MappedImages(string devicePath = "/dev", string registryPath = "/sys/bus/rbd/devices")
{
    // As the kernel writes that an image was mapped as it is, and not as it was at a snapshot.
    private const string NoSnapshot = "-";

    /// <summary>The disks, each with its image where it has one.</summary>
    public IReadOnlyList<DiskFacts> Resolve(IReadOnlyList<DiskFacts> disks) => [.. disks.Select(Resolve)];

    private DiskFacts Resolve(DiskFacts disk)
    {
        // A qcow2 on a device is read as a device: what is in the image is not what the guest sees.
        if (disk is not { SourceType: DiskSourceType.Block, Rbd: null, Format: "raw", SourcePath: { } path })
        {
            return disk;
        }

        try
        {
            return File.Exists(path) ? ByKernel(disk, path)
                : path.StartsWith(devicePath + '/', StringComparison.Ordinal) && Driver().IsMatch(path[devicePath.Length..])
                ? ByPath(disk, path) : disk;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ModelException)
        {
            return disk with
            {
                Refusal = $"is {path}, a device of the kernel's RBD driver, and which image it is cannot be told: "
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
            ? disk with { Notice = $"is a partition of the RBD image {image}, so it is taken whole, as any device; give the guest the image for increments" }
            : snapshot != NoSnapshot
            ? disk with { Notice = $"is the snapshot {image}@{snapshot}, so it is taken whole, as any device" }
            : disk with { Rbd = new RbdSource(image, [], null, null) { MappedId = Read(entry, "image_id") } };
    }

    private DiskFacts ByPath(DiskFacts disk, string path)
    {
        string[] names = path[(devicePath.Length + 1)..].Split('/');
        if (names is not ["rbd", _, _] and not ["rbd", _, _, _])
        {
            return Refuse(disk, path, "it names no image");
        }

        return names[^1].Contains('@', StringComparison.Ordinal) || Partition().IsMatch(names[^1])
            ? Refuse(disk, path, "its name may be a snapshot's or a partition's")
            : disk with { Rbd = new RbdSource(RbdImage.Parse(string.Join('/', names[1..])), [], null, null) };
    }

    private static DiskFacts Refuse(DiskFacts disk, string path, string reason) => disk with
    {
        Refusal = $"is {path}, which is not mapped, and {reason}: map it (rbd map) before the backup, or give the guest the path "
            + "/dev/rbd/POOL/IMAGE",
    };

    private static string Read(string entry, string name) => File.ReadAllText(Path.Combine(entry, name)).TrimEnd('\n');

    // Kernels before 4.19 know no namespaces.
    private static string? TryRead(string entry, string name) =>
        File.Exists(Path.Combine(entry, name)) ? Read(entry, name) : null;

    [GeneratedRegex("^/rbd[0-9/]")]
    private static partial Regex Driver();

    [GeneratedRegex(@"^rbd(?<number>[0-9]+)(?<partition>p[0-9]+)?$")]
    private static partial Regex Device();

    [GeneratedRegex("-part[0-9]+$")]
    private static partial Regex Partition();
}
