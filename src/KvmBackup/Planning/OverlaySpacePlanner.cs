namespace KvmBackup.Planning;

/// <summary>Decides how much room overlays must find before a backup begins.</summary>
public static class OverlaySpacePlanner
{
    /// <summary>Less is never enough: the watch over the room ends a backup that has no more left.</summary>
    public const long LeastBytes = 64L * 1024 * 1024;

    // A guest may be busier tonight than it was.
    private const int Reserve = 4;
    private const double AllocatedShare = 0.1;

    /// <param name="headroom">The share of the virtual size that the configuration demands; null when it is silent.</param>
    /// <param name="virtualSizeBytes">Of all disks whose overlays share the room.</param>
    /// <param name="allocatedBytes">What these disks hold.</param>
    /// <param name="writtenBytes">The most that the guest wrote during one of its last backups; null when that is not known.</param>
    public static OverlaySpace Decide(double? headroom, long virtualSizeBytes, long allocatedBytes, long? writtenBytes)
    {
        if (headroom is { } share)
        {
            return new OverlaySpace((long)(share * virtualSizeBytes), $"overlay_headroom is {share * 100:0} % of the disks' size");
        }

        // What fills the whole disk needs no more than the disk.
        long Bounded(double bytes) => (long)Math.Max(LeastBytes, Math.Min(bytes, virtualSizeBytes));
        return writtenBytes is { } written
            ? new OverlaySpace(Bounded((double)written * Reserve), $"it wrote {ByteSize.Format(written)} during an earlier one")
            : new OverlaySpace(Bounded(allocatedBytes * AllocatedShare), $"its disks hold {ByteSize.Format(allocatedBytes)}");
    }
}

/// <summary>The room that overlays must find, and why so much.</summary>
public sealed record OverlaySpace(long NeededBytes, string Reason);
