namespace KvmBackup.Planning;

/// <summary>Decides how much free space for overlays a backup requires.</summary>
public static class OverlaySpacePlanner
{
    /// <summary>The minimum: the monitor of free space aborts a backup that has less.</summary>
    public const long MinimumBytes = 64L * 1024 * 1024;

    // A guest may write more than during earlier backups.
    private const int SafetyFactor = 4;
    private const double AllocatedShare = 0.1;

    /// <param name="headroom">The configured share of the virtual size; null when it is not set.</param>
    /// <param name="virtualSizeBytes">Total virtual size of the disks whose overlays share the file system.</param>
    /// <param name="allocatedBytes">Allocated size of these disks.</param>
    /// <param name="writtenBytes">The most that the guest wrote during one of its last backups; null when
    /// unknown.</param>
    public static OverlaySpace Decide(double? headroom, long virtualSizeBytes, long allocatedBytes, long? writtenBytes)
    {
        if (headroom is { } share)
        {
            return new OverlaySpace(
                (long)(share * virtualSizeBytes), $"overlay_headroom is {share * 100:0} % of the disks' size");
        }

        // An overlay cannot hold more than the whole disk.
        long Bounded(double bytes) => (long)Math.Max(MinimumBytes, Math.Min(bytes, virtualSizeBytes));
        return writtenBytes is { } written
            ? new OverlaySpace(
                Bounded((double)written * SafetyFactor), $"it wrote {ByteSize.Format(written)} during an earlier one")
            : new OverlaySpace(Bounded(allocatedBytes * AllocatedShare), "its disks hold "
                + $"{ByteSize.Format(allocatedBytes)}");
    }
}

/// <summary>The required free space for overlays, with the reason.</summary>
public sealed record OverlaySpace(long NeededBytes, string Reason);
