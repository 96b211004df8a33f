namespace KvmBackup.Model;

/// <summary>Where the backup directory lies now.</summary>
/// <param name="DirectoryPath">The backup directory.</param>
/// <param name="MountPoint">Of the file system that it is on, <c>/</c> for the root file system.</param>
/// <param name="Source">What is mounted there: a device, or <c>server:/export</c>.</param>
/// <param name="DeclaredMountPoint">Where /etc/fstab wants another file system that would hold it; null when nowhere.</param>
/// <param name="MarkerId">The ID in the marker file; null when there is no marker.</param>
public sealed record TargetFacts(
    string DirectoryPath, string MountPoint, string Source, string? DeclaredMountPoint, string? MarkerId)
{
    public bool IsOnRoot => MountPoint == "/";
}
