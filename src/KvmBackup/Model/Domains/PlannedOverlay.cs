namespace KvmBackup.Model.Domains;

/// <summary>An overlay that receives a disk's writes while its base is read.</summary>
/// <param name="Target">The disk.</param>
/// <param name="BasePath">The file or device that the guest uses before and after the backup.</param>
/// <param name="BaseFormat">The format of the base: a definition that names the base requires it.</param>
/// <param name="OverlayPath">The overlay, a new file.</param>
public sealed record PlannedOverlay(DiskTarget Target, string BasePath, string BaseFormat, string OverlayPath)
{
    /// <summary>Encryption of the base and the overlay; null when they are not encrypted.</summary>
    public DiskEncryption? Encryption { get; init; }

    /// <summary>The volume that the definition for the next start names in place of the base; null for a
    /// path.</summary>
    public PoolVolume? Volume { get; init; }

    /// <summary>Size that the guest sees; 0 where it is not needed, as in recovery.</summary>
    public long SizeBytes { get; init; }
}

/// <summary>The known state of a disk with an overlay.</summary>
public enum PinState
{
    /// <summary>The overlay may exist: the journal is written first.</summary>
    Planned,

    /// <summary>Both definitions named the overlay.</summary>
    Pinned,

    /// <summary>The disk may be on either file. A definition that names the base has all writes of the guest.</summary>
    Releasing,

    /// <summary>Both definitions named the base, and the overlay is removed.</summary>
    Released,
}
