using KvmBackup.Model;

namespace KvmBackup.Journaling;

/// <summary>One RBD image and the snapshot that is made of it; enough to reach the cluster again and remove it.</summary>
/// <param name="Image">The image.</param>
/// <param name="Monitors">From the domain's XML.</param>
/// <param name="User">From the domain's XML.</param>
/// <param name="Secret">libvirt's, from the domain's XML.</param>
/// <param name="ConfigurationPath">From the configuration.</param>
/// <param name="ConfiguredUser">From the configuration.</param>
/// <param name="KeyringPath">From the configuration.</param>
/// <param name="SnapshotName">The snapshot.</param>
public sealed record JournalImage(
    RbdImage Image, IReadOnlyList<string> Monitors, string? User, Guid? Secret, string? ConfigurationPath,
    string? ConfiguredUser, string? KeyringPath, string SnapshotName);
