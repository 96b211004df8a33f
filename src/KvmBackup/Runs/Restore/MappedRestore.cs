using KvmBackup.Hypervisor;
using KvmBackup.Planning;

namespace KvmBackup.Runs.Restore;

/// <summary>
/// What an operator must do for a guest whose restored images are mapped by the kernel. Its definition goes on naming
/// devices, and mapping them is this host's own affair: <c>rbdmap</c>, a hook of libvirt, or by hand.
/// </summary>
internal static class MappedRestore
{
    /// <returns>Why the guest cannot be started at once, for each such disk.</returns>
    public static IEnumerable<string> RefuseStart(RestorePlan plan, string? xml) => !plan.Start ? []
        : Find(plan, xml).Select(image =>
            $"disk {image.Disk.Target} is mapped by the kernel, and its new image is not: restore with --define in the place of "
            + $"--start, then map it ({MapCommand(image)}) and start the guest (virsh start {ShellWord.Quote(plan.Name.Value)})");

    /// <summary>What is to be done before the guest starts.</summary>
    public static IEnumerable<string> Warn(RestorePlan plan, string? xml) => !plan.Define || plan.Start ? []
        : Find(plan, xml).Select(image =>
            $"disk {image.Disk.Target} is mapped by the kernel: before the guest starts: {MapCommand(image)}. If the image that "
            + "was there before is still mapped, unmap it first (rbd unmap)");

    private static IEnumerable<RestoreImage> Find(RestorePlan plan, string? xml)
    {
        IReadOnlyList<DiskTarget> mapped = xml is null || plan.Images.Count == 0 ? [] : DomainXml.MappedDisks(xml);
        return plan.Images.Where(image => mapped.Contains(image.Disk.Target));
    }

    private static string MapCommand(RestoreImage image) => $"rbd map {ShellWord.Quote(image.Image.Spec)}";
}
