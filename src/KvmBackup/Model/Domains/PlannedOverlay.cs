namespace KvmBackup.Model.Domains;

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

/// <summary>What holds a disk at an instant, as far as we know.</summary>
public enum PinState
{
    /// <summary>The overlay may be there: the journal is written first.</summary>
    Planned,

    /// <summary>Both definitions of the domain were seen on the overlay.</summary>
    Pinned,

    /// <summary>The disk may be on either: from here on a definition that shows the base has all that the guest wrote.</summary>
    Releasing,

    /// <summary>Both definitions were seen on the base, and the overlay is gone.</summary>
    Released,
}
