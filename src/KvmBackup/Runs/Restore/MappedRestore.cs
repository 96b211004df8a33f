using KvmBackup.Ceph;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;

namespace KvmBackup.Runs.Restore;

/// <summary>
/// Hints for a guest whose restored images are mapped by the kernel. Its definition keeps naming devices, and the host
/// maps them: by <c>rbdmap</c>, a hook of libvirt, or manually.
/// </summary>
internal static class MappedRestore
{
    /// <returns>For each such disk, why the guest cannot be started immediately.</returns>
    public static IEnumerable<string> RefuseStart(
        RestorePlan plan, IReadOnlyList<PlacedImage> images, string? xml, string virsh) => !plan.Start ? []
        : Find(images, xml).Select(image =>
            $"disk {image.Plan.Disk.Target} is mapped by the kernel, but its new image is not mapped yet: restore with "
                + $"--define instead of --start, then map it: {RbdAdvice.Map(image.Location)} ; and start the guest: "
                + $"`{virsh} start {ShellWord.Quote(plan.Name.Value)}`");

    /// <summary>What the operator must do before the guest starts.</summary>
    public static IEnumerable<string> Warn(RestorePlan plan, IReadOnlyList<PlacedImage> images, string? xml) =>
        !plan.Define || plan.Start ? []
        : Find(images, xml).Select(image =>
            $"disk {image.Plan.Disk.Target} is mapped by the kernel: before the guest starts: "
                + $"{RbdAdvice.Map(image.Location)} . If the previous image is still mapped, unmap it first (rbd "
                + "unmap)");

    private static IEnumerable<PlacedImage> Find(IReadOnlyList<PlacedImage> images, string? xml)
    {
        IReadOnlyList<DiskTarget> mapped = xml is null || images.Count == 0 ? [] : DomainXml.MappedDisks(xml);
        return images.Where(image => mapped.Contains(image.Plan.Disk.Target));
    }
}
