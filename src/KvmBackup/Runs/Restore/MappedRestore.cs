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
    public static IEnumerable<string> RefuseStart(RestorePlan plan, string? xml, string virsh) => !plan.Start ? []
        : Find(plan, xml).Select(image =>
            $"disk {image.Disk.Target} is mapped by the kernel, but its new image is not mapped yet: restore with "
                + $"--define instead of --start, then map it: {MapCommand(image)} ; and start the guest: "
                + $"`{virsh} start {ShellWord.Quote(plan.Name.Value)}`");

    /// <summary>What the operator must do before the guest starts.</summary>
    public static IEnumerable<string> Warn(RestorePlan plan, string? xml) => !plan.Define || plan.Start ? []
        : Find(plan, xml).Select(image =>
            $"disk {image.Disk.Target} is mapped by the kernel: before the guest starts: {MapCommand(image)} . If the "
                + "previous image is still mapped, unmap it first (rbd unmap)");

    private static IEnumerable<RestoreImage> Find(RestorePlan plan, string? xml)
    {
        IReadOnlyList<DiskTarget> mapped = xml is null || plan.Images.Count == 0 ? [] : DomainXml.MappedDisks(xml);
        return plan.Images.Where(image => mapped.Contains(image.Disk.Target));
    }

    private static string MapCommand(RestoreImage image) => $"`rbd map {ShellWord.Quote(image.Image.Spec)}`";
}
