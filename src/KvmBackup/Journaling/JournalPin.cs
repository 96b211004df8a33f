using KvmBackup.Model;

namespace KvmBackup.Journaling;

/// <summary>One disk and the overlay that is put on it; proof enough to unlink that overlay later.</summary>
/// <param name="Target">The disk.</param>
/// <param name="BasePath">What the guest must be back on in the end.</param>
/// <param name="BaseFormat">qcow2 or raw.</param>
/// <param name="Base">Which file that is: the path may lead elsewhere by then.</param>
/// <param name="OverlayPath">The file that takes the guest's writes.</param>
/// <param name="Overlay">Which file that is; null until it was seen.</param>
/// <param name="State">How far it is.</param>
public sealed record JournalPin(
    DiskTarget Target, string BasePath, string BaseFormat, FileIdentity Base, string OverlayPath, FileIdentity? Overlay,
    PinState State)
{
    /// <summary>How base and overlay are encrypted; null when they are not.</summary>
    public DiskEncryption? Encryption { get; init; }

    /// <summary>When the base of a disk that only the running guest has was written last, seen after the snapshot; nothing
    /// in the definitions tells whether it was used since. Null for every other disk.</summary>
    public DateTime? BaseWrittenAt { get; init; }
}
