namespace KvmBackup.Model;

/// <summary>An overlay that is to take a disk's writes while its base is read.</summary>
/// <param name="Target">The disk.</param>
/// <param name="BasePath">The file or device that the guest uses now and shall use again.</param>
/// <param name="BaseFormat">qcow2 or raw: a definition that names the base must say so again.</param>
/// <param name="OverlayPath">The file that does not exist yet.</param>
public sealed record PlannedOverlay(DiskTarget Target, string BasePath, string BaseFormat, string OverlayPath)
{
    /// <summary>How the base is encrypted, and so the overlay; null when they are not.</summary>
    public DiskEncryption? Encryption { get; init; }

    /// <summary>What the guest sees of the disk; 0 where nobody needs it, as in recovery.</summary>
    public long SizeBytes { get; init; }
}
