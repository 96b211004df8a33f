using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Runs.Guests;
using Serilog.Core;

namespace KvmBackup.Tests.Support;

/// <summary>The release of overlays with recorded programs.</summary>
public static class Releases
{
    /// <param name="shell">The programs.</param>
    /// <param name="time">The clock.</param>
    /// <param name="profiles">The folder of the AppArmor profiles; it need not exist.</param>
    public static (OverlayCommit Commit, OverlayRelease Release) Over(
        RecordedShell shell, TimeProvider time, string profiles)
    {
        Virsh virsh = new(shell, null);
        LibvirtHost host = new(virsh);
        DomainDefiner definer = new(virsh);
        QemuImage images = new(shell);
        OverlayCommit commit = new(virsh, host, new AppArmorProfile(shell, profiles, Logger.None), time, Logger.None);
        EncryptedOverlays encrypted = new(host, images);
        SavedRelease saved = new(host, definer, encrypted, Logger.None);
        return (commit, new OverlayRelease(host, commit, saved, definer, images, encrypted, Logger.None));
    }
}
