namespace KvmBackup.Model.Domains;

/// <summary>
/// The commands that a person types for a disk that is, or was, on an overlay, in one place: each of them is run by a test of the
/// lab in the state in which it is advised. In a message a command stands between backticks.
/// </summary>
public static class OverlayAdvice
{
    /// <summary>Repeats what the program does by itself, and closes the journal's entry.</summary>
    public const string Recover = "`kvmbackup recover`";

    /// <summary>The overlay is the active layer of a guest that runs.</summary>
    /// <param name="virsh">The program with the options that reach libvirt.</param>
    public static string CommitActive(string virsh, Guid domain, PlannedOverlay overlay) =>
        $"`{Commit(virsh, domain, overlay)} --active --pivot --verbose`";

    /// <summary>Another overlay depends on ours: ours is committed from below it, and the other one stays where it is.</summary>
    /// <param name="virsh">The program with the options that reach libvirt.</param>
    /// <param name="isActive">A block job needs a guest that runs.</param>
    public static string CommitBelow(string virsh, Guid domain, PlannedOverlay overlay, bool isActive) =>
        $"`{(isActive ? string.Empty : $"{virsh} start {domain} && ")}{Commit(virsh, domain, overlay)} --wait --verbose` ; when that "
        + $"has ended well, {Discard(overlay.OverlayPath)} and {Recover}";

    /// <summary>The running guest has the disk on a file of somebody else, which depends on the overlay or does not.</summary>
    /// <param name="virsh">The program with the options that reach libvirt.</param>
    public static string Elsewhere(string virsh, DomainIdentity domain, PlannedOverlay overlay, string? sourcePath, bool isBelow) => isBelow
        ? $"{domain.Name}: disk {overlay.Target} is on {sourcePath}, which somebody put on our overlay {overlay.OverlayPath} during the backup. "
            + "The guest runs and loses nothing; do not delete or move that overlay. Type: "
            + CommitBelow(virsh, domain.Uuid, overlay, isActive: true)
        : $"{domain.Name}: disk {overlay.Target} is on {sourcePath ?? "nothing"}, which is neither its base {overlay.BasePath} nor our overlay "
            + $"{overlay.OverlayPath}. The overlay may hold what the guest wrote since the backup began. {PutAside(overlay.OverlayPath)}";

    /// <summary>No guest uses the overlay: what is in it can go into its base, or be thrown away.</summary>
    public static string KeepOrDiscard(PlannedOverlay overlay) =>
        $"To write it into {overlay.BasePath}: `qemu-img commit -f qcow2 {ShellWord.Quote(overlay.OverlayPath)}` ; or to throw it away: "
        + $"{Discard(overlay.OverlayPath)} ; and then {Recover}";

    /// <summary>The domain is gone, and its newest data are in the overlay.</summary>
    public static string Gone(DomainName domain, PlannedOverlay overlay, bool isBaseSame) =>
        $"{domain}: libvirt has no such domain any more: it was undefined, or it was transient and has stopped, or it was migrated. The "
        + $"newest data of its disk {overlay.Target}, all that the guest wrote since the backup began, are in the overlay "
        + $"{overlay.OverlayPath}, which depends on {overlay.BasePath}; do not start a guest from that base alone. "
        + (isBaseSame ? KeepOrDiscard(overlay)
            : $"That base is no longer the file that it was, so nothing can be written into it. To throw the overlay away: "
                + $"{Discard(overlay.OverlayPath)} ; and then {Recover}");

    /// <summary>An overlay that the guest does not use, and whose base it has written to since: nothing can be committed.</summary>
    public static string PutAside(string overlayPath) =>
        $"To keep it for a look: `mv {ShellWord.Quote(overlayPath)} {ShellWord.Quote($"{overlayPath}.kept")}` ; or to throw it away: "
        + $"{Discard(overlayPath)} ; and then {Recover}";

    /// <summary>Shows which file each disk is on.</summary>
    public static string Look(string virsh, Guid domain) => $"`{virsh} domblklist {domain}`";

    public static string Discard(string overlayPath) => $"`rm {ShellWord.Quote(overlayPath)}`";

    private static string Commit(string virsh, Guid domain, PlannedOverlay overlay) =>
        $"{virsh} blockcommit {domain} {overlay.Target} --base {ShellWord.Quote(overlay.BasePath)} "
        + $"--top {ShellWord.Quote(overlay.OverlayPath)}";
}
