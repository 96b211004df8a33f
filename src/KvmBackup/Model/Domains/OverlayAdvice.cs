namespace KvmBackup.Model.Domains;

/// <summary>
/// The commands for an operator about a disk that is, or was, on an overlay. A lab test runs each of them in the
/// state in
/// which it is advised. Messages put commands between backticks.
/// </summary>
public static class OverlayAdvice
{
    /// <summary>Repeats the recovery and closes the journal's entry.</summary>
    public const string Recover = "`kvmbackup recover`";

    /// <summary>For an overlay that is the active layer of a running guest.</summary>
    /// <param name="virsh">The program with the options for the connection to libvirt.</param>
    public static string CommitActive(string virsh, Guid domain, PlannedOverlay overlay) =>
        $"`{Commit(virsh, domain, overlay)} --active --pivot --verbose`";

    /// <summary>For an overlay below another overlay: ours is committed, and the other one stays.</summary>
    /// <param name="virsh">The program with the options for the connection to libvirt.</param>
    /// <param name="isActive">Whether the guest runs: a block job requires it.</param>
    public static string CommitBelow(string virsh, Guid domain, PlannedOverlay overlay, bool isActive) =>
        $"`{(isActive ? string.Empty : $"{virsh} start {domain} && ")}{Commit(virsh, domain, overlay)} --wait "
        + $"--verbose` ; after it has succeeded, {Discard(overlay.OverlayPath)} and {Recover}";

    /// <summary>For a running guest with the disk on another program's file.</summary>
    /// <param name="virsh">The program with the options for the connection to libvirt.</param>
    /// <param name="isBelow">Whether that file depends on the overlay.</param>
    public static string OnOtherFile(
        string virsh, DomainIdentity domain, PlannedOverlay overlay, string? sourcePath, bool isBelow) => isBelow
        ? $"{domain.Name}: disk {overlay.Target} is on {sourcePath}, which another program put on the overlay "
            + $"{overlay.OverlayPath} during the backup. The guest runs and loses nothing; do not delete or move that "
            + $"overlay. Run: {CommitBelow(virsh, domain.Uuid, overlay, isActive: true)}"
        : $"{domain.Name}: disk {overlay.Target} is on {sourcePath ?? "nothing"}, which is neither its base "
            + $"{overlay.BasePath} nor the overlay {overlay.OverlayPath}. The overlay may hold what the guest wrote "
            + $"since the backup began. {KeepAsideOrDiscard(overlay.OverlayPath)}";

    /// <summary>For an overlay that no guest uses: commit it or delete it.</summary>
    public static string CommitOrDiscard(PlannedOverlay overlay) =>
        $"To write it into {overlay.BasePath}: `qemu-img commit -f qcow2 {ShellWord.Quote(overlay.OverlayPath)}` ; or "
        + $"to discard it: {Discard(overlay.OverlayPath)} ; then {Recover}";

    /// <summary>For a domain that no longer exists and whose newest data are in the overlay.</summary>
    public static string DomainMissing(DomainName domain, PlannedOverlay overlay, bool isBaseSame) =>
        $"{domain}: libvirt no longer has this domain: it was undefined, or it was transient and has stopped, or it "
        + $"was migrated. The newest data of its disk {overlay.Target}, all that the guest wrote since the backup "
        + $"began, are in the overlay {overlay.OverlayPath}, which depends on {overlay.BasePath}; do not start a "
        + "guest from that base alone. "
        + (isBaseSame ? CommitOrDiscard(overlay)
            : "That base is no longer the same file, so nothing can be written into it. To discard the overlay: "
                + $"{Discard(overlay.OverlayPath)} ; then {Recover}");

    /// <summary>For an unused overlay whose base has changed since: nothing can be committed.</summary>
    public static string KeepAsideOrDiscard(string overlayPath) =>
        $"To keep it for inspection: `mv {ShellWord.Quote(overlayPath)} {ShellWord.Quote($"{overlayPath}.kept")}` ; "
        + $"or to discard it: {Discard(overlayPath)} ; then {Recover}";

    /// <summary>Lists the files of the domain's disks.</summary>
    public static string ListDisks(string virsh, Guid domain) => $"`{virsh} domblklist {domain}`";

    public static string Discard(string overlayPath) => $"`rm {ShellWord.Quote(overlayPath)}`";

    private static string Commit(string virsh, Guid domain, PlannedOverlay overlay) =>
        $"{virsh} blockcommit {domain} {overlay.Target} --base {ShellWord.Quote(overlay.BasePath)} "
        + $"--top {ShellWord.Quote(overlay.OverlayPath)}";
}
