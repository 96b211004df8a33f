using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>What a dead run left of one disk, as it is found.</summary>
/// <param name="State">How far the journal says that it came.</param>
/// <param name="BasePath">What the guest must be back on.</param>
/// <param name="OverlayPath">The overlay by the journal.</param>
/// <param name="IsActive">The domain runs or is paused.</param>
/// <param name="LiveSource">What the disk is on; null when the domain has no such disk any more.</param>
/// <param name="InactiveSource">What the next start uses.</param>
/// <param name="IsBaseSame">The base is still the file that it was.</param>
/// <param name="Overlay">What is at the overlay's path.</param>
/// <param name="IsOverlayWritten">The overlay holds writes of the guest.</param>
public sealed record PinFacts(
    PinState State,
    string BasePath,
    string OverlayPath,
    bool IsActive,
    string? LiveSource,
    string? InactiveSource,
    bool IsBaseSame,
    OverlayPresence Overlay,
    bool IsOverlayWritten)
{
    /// <summary>Only the running guest had the disk, and its base was not written since the overlay was put on it.</summary>
    public bool IsUnusedSince { get; init; }

    /// <summary>Another file, which one of the definitions names, depends on the overlay, or may do so.</summary>
    public bool IsOverlayBelow { get; init; }

    /// <summary>One of the definitions names the overlay itself.</summary>
    public bool IsOverlayNamed => LiveSource == OverlayPath || InactiveSource == OverlayPath;
}
