namespace KvmBackup.Model;

/// <summary>An overlay that is to take a disk's writes while its base is read.</summary>
/// <param name="Target">The disk.</param>
/// <param name="BasePath">The file or device that the guest uses now and shall use again.</param>
/// <param name="BaseFormat">qcow2 or raw: a definition that names the base must say so again.</param>
/// <param name="OverlayPath">The file that does not exist yet.</param>
public sealed record PlannedOverlay(DiskTarget Target, string BasePath, string BaseFormat, string OverlayPath);
